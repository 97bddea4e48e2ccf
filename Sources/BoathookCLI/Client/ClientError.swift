internal import FoundationEssentials
internal import VastAPI

/// Why a verb did not do what it was asked; ends the process with a status that means something.
struct ClientError: Error, CustomStringConvertible {
    let description: String
    let exitCode: Int32
    /// Whether the same request may succeed a little later: nobody answered, or the server failed.
    let mayPass: Bool
    /// Whether the connection was lost when the request may have arrived.
    let mayHaveArrived: Bool
    /// The status of the server's answer, when that was the answer.
    let status: Int?
    /// That answer: a few have more than words.
    let body: Data?

    /// - Parameters:
    ///   - description: What is said on standard error.
    ///   - exitCode: 125 unless something else is known: the command was not run.
    ///   - mayPass: Whether to ask again is worth it.
    ///   - mayHaveArrived: Whether nobody knows if the request did.
    ///   - status: Of the server's answer.
    ///   - body: Its body.
    init(
        _ description: String, exitCode: Int32 = 125, mayPass: Bool = false,
        mayHaveArrived: Bool = false, status: Int? = nil, body: Data? = nil
    ) {
        self.description = description
        self.exitCode = exitCode
        self.mayPass = mayPass
        self.mayHaveArrived = mayHaveArrived
        self.status = status
        self.body = body
    }

    /// The same with a status of the process that says more, and what it is about.
    func ending(with exitCode: Int32, about name: String? = nil) -> ClientError {
        ClientError(
            name.map { "\($0): \(description)" } ?? description, exitCode: exitCode,
            mayPass: mayPass, mayHaveArrived: mayHaveArrived, status: status, body: body)
    }

    /// The server's answer for programs: an object with `error` and `msg`, and of a refused command `denial`.
    var reply: JSONValue? {
        guard let body, let reply = try? JSONDecoder().decode(JSONValue.self, from: body),
            reply.object != nil
        else { return nil }
        return reply
    }
}
