internal import ControlPlane
internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import VastAPI

/// The one place where a failure becomes a status and a body (contract 0.3, 1.1).
struct WireError: Error, Sendable {
    var status: HTTPResponse.Status
    var reply: ErrorReply
    var headers: HTTPFields = [:]

    /// The body is no JSON object: upstream's own status.
    static let invalidBody = WireError(
        status: .init(code: 483, reasonPhrase: "Invalid JSON"),
        reply: ErrorReply(error: "invalid_args", msg: "Invalid json_body"))

    static let invalidInstanceID = WireError(
        status: .badRequest, reply: ErrorReply(error: "invalid_args", msg: "Invalid instance_id."))

    static let notFound = WireError(
        status: .notFound, reply: ErrorReply(error: "not_found", msg: "There is nothing here."))

    static let unexpected = WireError(
        status: .internalServerError,
        reply: ErrorReply(
            error: "internal_error", msg: "The server failed; its log says why."))

    static func badRequest(_ error: String, _ message: String) -> WireError {
        WireError(status: .badRequest, reply: ErrorReply(error: error, msg: message))
    }

    init(status: HTTPResponse.Status, reply: ErrorReply, headers: HTTPFields = [:]) {
        self.status = status
        self.reply = reply
        self.headers = headers
    }

    /// A domain error in upstream's words.
    init(_ error: ControlPlaneError) {
        let (status, code): (HTTPResponse.Status, String) =
            switch error.code {
            case .unauthenticated: (.unauthorized, "auth_error")
            case .blocked: (.forbidden, "blacklisted")
            case .notAuthorized: (.forbidden, "not_authorized")
            case .instanceNotFound, .commandNotFound, .jobNotFound, .sshKeyNotFound,
                .templateNotFound:
                (.notFound, "not_found")
            case .invalidArguments, .commandRefused: (.badRequest, "invalid_args")
            case .instanceNotReady: (.badRequest, "invalid_container")
            case .offerNotFound: (.notFound, "no_such_ask")
            case .noRoom: (.conflict, "resources_unavailable")
            case .notImplemented: (.notImplemented, "not_implemented")
            case .tooFrequent: (.tooManyRequests, "too_frequent")
            case .queueFull: (.tooManyRequests, "queue_full")
            case .switchedOff: (.forbidden, "switched_off")
            case .unreadableSecret: (.conflict, "unreadable_secret")
            case .budgetSpent: (.forbidden, "budget_spent")
            case .busy: (.serviceUnavailable, "busy")
            case .commandOpen: (.conflict, "command_open")
            case .idempotencyMismatch: (.unprocessableContent, "idempotency_mismatch")
            case .containerGone: (.badRequest, "invalid_container_id")
            case .agentRefused: (.badRequest, "agent_refused")
            case .agentOutdated: (.upgradeRequired, "agent_outdated")
            default: (.internalServerError, "internal_error")
            }
        self.init(status: status, reply: ErrorReply(error: code, msg: error.message))
        reply.denial = error.denial.flatMap { try? WireJSON.value($0) }
        if status == .tooManyRequests {
            // All that upstream sends; clients that read `msg` alone would print "None".
            reply.detail = error.message
        }
        if let retryAfter = error.retryAfter {
            // Whole seconds by RFC 9110, section 10.2.3; the 1.9.1 client reads fractions too, but
            // others need not.
            headers[.retryAfter] = String(max(1, Int(retryAfter.rounded(.up))))
        }
        if status == .unauthorized { headers[.wwwAuthenticate] = "Bearer" }
    }

    func response() throws -> Response {
        try .json(reply, status: status, headers: headers)
    }
}
