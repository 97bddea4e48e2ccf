internal import ControlPlane
internal import Hummingbird
internal import VastAPI

/// `/api/v0/template/`: what instances are made from, kept under a name (contract 10).
struct TemplateRoutes: Sendable {
    let access: TemplateAccess

    @Sendable func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let query = try TemplateQuery(QueryParameters(request.uri))
        let rows = try await access.templates(for: principal).map {
            TemplateRows.row($0, for: principal.account.id)
        }
        return try .json(TemplatesReply(templates: query.found(in: rows)))
    }

    @Sendable func create(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await Self.body(of: request)
        let content = try TemplateContent(body)
        let template = try await access.add(
            content, isPrivate: content.isPrivate(body), as: principal)
        return try .json(TemplateReply(msg: "Template created.", template: .init(template)))
    }

    /// By its hash, as clients before 1.0 send it, or its id.
    @Sendable func update(_ request: Request, _ context: APIContext) async throws -> Response {
        try await change(request, context, wantsBoth: false)
    }

    /// `PUT /api/v1/template/`: by both, as later ones send it.
    @Sendable func updateVersion(_ request: Request, _ context: APIContext) async throws -> Response
    {
        try await change(request, context, wantsBoth: true)
    }

    @Sendable func delete(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await Self.body(of: request)
        let named = try TemplateReference.reading(
            hash: body.hashID, id: body.templateID, "hash_id", "template_id")
        guard let named else {
            throw WireError.badRequest("invalid_args", "hash_id or template_id required.")
        }
        if case .hash = named.reference, named.id != nil {
            throw WireError.badRequest("invalid_args", "Send either hash_id or template_id.")
        }
        try await access.remove(named.reference, as: principal)
        return try .json(PlainReply(msg: "Template deleted."))
    }

    private func change(_ request: Request, _ context: APIContext, wantsBoth: Bool) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        let body = try await Self.body(of: request)
        let named = try TemplateReference.reading(
            hash: body.hashID, id: body.id, "hash_id", "id")
        guard let named else {
            throw WireError.badRequest("invalid_args", "hash_id required.")
        }
        if wantsBoth {
            guard case .hash = named.reference, named.id != nil else {
                throw WireError.badRequest("invalid_args", "Both id and hash_id are required.")
            }
        }
        let content = try TemplateContent(body)
        let template = try await access.change(
            named.reference, id: named.id, to: content, isPrivate: content.isPrivate(body),
            as: principal)
        return try .json(TemplateReply(msg: "Template updated.", template: .init(template)))
    }

    /// A script, options and a readme, and JSON may write each byte as six.
    private static func body(of request: Request) async throws -> TemplateRequest {
        try await request.jsonObject(TemplateRequest.self, upTo: 1 << 20)
    }
}

extension TemplateReply.Kept {
    fileprivate init(_ template: Template) {
        self.init(id: template.id, hashID: template.hashID, name: template.content.name)
    }
}
