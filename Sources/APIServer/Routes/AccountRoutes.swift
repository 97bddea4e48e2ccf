internal import ControlPlane
internal import HTTPTypes
internal import Hummingbird
internal import VastAPI

/// `GET /api/v0/users/current` (contract 7.3).
struct CurrentUserRoute: Sendable {
    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let account = try context.requirePrincipal().account
        return try .json(UserReply(id: account.id, username: account.name))
    }
}

/// `GET /api/v0/gpu_names/unique/`: asked without a key by the 1.x CLI when it starts (contract 0.1).
struct GPUNamesRoute: Sendable {
    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        // No machine reports GPUs yet, and so there are no names.
        try .json(GPUNamesReply(gpuNames: []))
    }
}
