internal import AgentLink
internal import ControlPlane
internal import FoundationEssentials
internal import Hummingbird
internal import VastAPI

/// What the machines offer, as rows, and the names of their GPUs.
///
/// Anybody may ask, without a key and as often as he likes, and to reckon it takes a look at every machine: so all who ask
/// at the same time are told of the same look (``SharedReading``). Whether an offer can be had is decided by the create.
struct OfferList: Sendable {
    var rows: [[String: JSONValue]] = []
    var gpuNames: [String] = []

    static func reading(_ machines: any MachineStore, _ rows: OfferRows) -> SharedReading<OfferList>
    {
        SharedReading {
            let offers = try await machines.offers()
            let names = Set(offers.flatMap { $0.report.gpus.map(\.name) })
            return OfferList(
                rows: offers.map(rows.row),
                gpuNames: Set(names.map(OfferRows.shortName)).sorted())
        }
    }
}

/// The three ways in which clients search: `POST /api/v0/bundles/` with the query as its body, `GET` with it in `q`,
/// `PUT /api/v0/search/asks/` with it under `q` (contract 5).
///
/// Anybody may: an offer says nothing of whoever rents.
struct OfferSearchRoute: Sendable {
    let list: SharedReading<OfferList>

    @Sendable func post(_ request: Request, _ context: APIContext) async throws -> Response {
        try await answer(to: query(of: request))
    }

    @Sendable func put(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await query(of: request)
        guard case .object(let query)? = body["q"] ?? .object([:]) else {
            throw Self.unreadable
        }
        return try await answer(to: query)
    }

    @Sendable func get(_ request: Request, _ context: APIContext) async throws -> Response {
        guard let text = QueryParameters(request.uri)["q"] else { return try await answer(to: [:]) }
        guard StrictJSON.isUnambiguous(text.utf8),
            let query = try? JSONDecoder().decode([String: JSONValue].self, from: Data(text.utf8))
        else { throw Self.unreadable }
        return try await answer(to: query)
    }

    /// The offers that a query finds, best first.
    func offers(_ query: [String: JSONValue]) async throws -> [[String: JSONValue]] {
        let query = try OfferQuery(query)
        return try await query.found(in: list.value().rows)
    }

    private func answer(to query: [String: JSONValue]) async throws -> Response {
        try await .json(OffersReply(offers: offers(query)))
    }

    private func query(of request: Request) async throws -> [String: JSONValue] {
        try await request.jsonObject([String: JSONValue].self, upTo: 65_536)
    }

    private static let unreadable = WireError.badRequest("invalid_request", "Invalid json body")
}

/// `GET /api/v0/gpu_names/unique/`: asked without a key by the 1.x CLI when it starts (contract 0.1).
struct GPUNamesRoute: Sendable {
    let list: SharedReading<OfferList>

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        try await .json(GPUNamesReply(gpuNames: list.value().gpuNames))
    }
}
