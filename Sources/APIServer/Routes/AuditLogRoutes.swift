internal import ControlPlane
internal import HTTPTypes
internal import Hummingbird
internal import VastAPI

/// `/audit_logs/`: what was done with the account's keys, newest first (contract 7.3).
struct AuditLogRoutes: Sendable {
    let audit: AccountAudit

    /// `GET /api/v0/audit_logs/`: a bare array of the newest entries.
    @Sendable func newest(_ request: Request, _ context: APIContext) async throws -> Response {
        let page = try await audit.page(
            for: context.requirePrincipal(), before: nil,
            limit: Self.limit(request, default: Self.maximumLimit), counting: false)
        return try .json(page.records.compactMap(AuditLogRow.init(record:)))
    }

    /// `GET /api/v1/audit_logs/`: a page, with `limit` and `after_token`.
    @Sendable func page(_ request: Request, _ context: APIContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let query = QueryParameters(request.uri)
        let token = try query["after_token"].map { try Token($0) }
        let page = try await audit.page(
            for: principal, before: token?.sequence,
            limit: Self.limit(request, default: 25), counting: token == nil)
        let total = token?.total ?? page.total ?? 0
        return try .json(
            AuditLogPage(
                totalLogs: total, auditLogs: page.records.compactMap(AuditLogRow.init(record:)),
                nextToken: page.next.map { Token(sequence: $0, total: total).text }))
    }

    private static func limit(_ request: Request, default standard: Int) -> Int {
        let limit = QueryParameters(request.uri)["limit"].flatMap { Int($0) } ?? standard
        return min(max(1, limit), maximumLimit)
    }

    private static let maximumLimit = 500

    /// Where the next page begins, and what the first one counted.
    private struct Token {
        var sequence: Int64
        var total: Int64

        init(sequence: Int64, total: Int64) {
            self.sequence = sequence
            self.total = total
        }

        init(_ text: String) throws {
            let parts = text.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2, let sequence = Int64(canonical: parts[0]),
                let total = Int64(canonical: parts[1])
            else { throw WireError.badRequest("invalid_token", "Invalid after_token.") }
            self.init(sequence: sequence, total: total)
        }

        var text: String { "\(sequence)-\(total)" }
    }
}

extension AuditLogRow {
    /// Nil for an entry that this version does not know.
    fileprivate init?(record: AuditRecord) {
        guard let entry = record.entry else { return nil }
        var args = (entry.arguments ?? [:]).mapValues { JSONValue.string($0) }
        args["instance_id"] = entry.instanceID.map { .int($0) }
        args["command_id"] = entry.commandID.map { .int($0) }
        args["command"] = entry.text.map { .string($0) }
        args["detail"] = entry.detail.map { .string($0) }
        self.init(
            id: record.sequence, event: entry.event.rawValue, ipAddress: entry.address,
            apiKeyID: entry.keyID, createdAt: entry.time,
            apiRoute: entry.route ?? entry.event.route ?? "", args: args)
    }
}

extension AuditEntry.Event {
    /// The route of an event that is always the same one's; nil for what the operator does.
    fileprivate var route: String? {
        switch self {
        case .commandAccepted, .commandRepeated, .commandDenied:
            "PUT /api/v0/instances/command/{id}"
        case .commandCancelled: "DELETE /api/v0/commands/{id}"
        case .resultDeleted: "DELETE /api/v0/commands/{id}/output"
        case .keyReset: "PUT /api/v0/commands/reset_apikey"
        default: nil
        }
    }
}
