internal import ControlPlane
internal import FoundationEssentials
internal import VastAPI

/// What somebody wants of a scheduled job, read from the wire's open fields.
struct ScheduleOrder {
    let action: JobAction
    let instanceID: Instance.ID
    let recurrence: Recurrence

    /// - Parameters:
    ///   - body: The request's.
    ///   - job: The one that is changed: what the body leaves out is as in this one.
    ///   - now: Unix seconds: when a job begins that has no start.
    /// - Throws: `WireError`, or ``ControlPlaneError``.
    init(_ body: ScheduleJobRequest, changing job: ScheduledJob?, at now: Double) throws {
        let target = try Self.target(body, job)
        try Self.check(body.instanceID, target.instanceID)
        instanceID = target.instanceID
        switch target.verb {
        case .reboot:
            action = .reboot
        case .execute:
            if let job, case .execute = job.action, body.requestBody == nil {
                action = job.action
            } else {
                action = .execute(try Self.command(body.requestBody, target.instanceID))
            }
        }
        recurrence = try Self.recurrence(body, job?.recurrence, now)
    }

    static func endpoint(of action: JobAction, on instance: Instance.ID) -> String {
        switch action {
        case .execute: APIPath.execute(instance: instance)
        case .reboot: "/api/v0/instances/reboot/\(instance)/"
        }
    }

    /// As clients send it.
    static func body(of action: JobAction, on instance: Instance.ID) throws -> JSONValue {
        var body: [String: JSONValue] = [:]
        if case .execute(let command) = action { body = try WireJSON.value(command).object ?? [:] }
        body["instance_id"] = .int(instance)
        return .object(body)
    }
}

// What is done, and on what.
extension ScheduleOrder {
    private enum Verb: String {
        case execute = "command"
        case reboot
    }

    private static func target(
        _ body: ScheduleJobRequest, _ job: ScheduledJob?
    ) throws -> (verb: Verb, instanceID: Instance.ID) {
        switch body.requestMethod {
        case nil, .null?, .string("PUT")?: break
        default: throw refused("request_method must be PUT.")
        }
        guard
            let text = body.apiEndpoint?.string
                ?? job.map({ endpoint(of: $0.action, on: $0.instanceID) })
        else { throw refused(endpoints) }
        let parts = text.split(separator: "/").map(String.init)
        switch parts.count > 2 ? Array(parts[2...]) : [] {
        case _ where parts.prefix(2) != ["api", "v0"]:
            throw refused(endpoints)
        case ["commands", "rclone"]:
            throw notImplemented("Cloud copies")
        case let path where path.count == 3 && path.starts(with: ["instances", "bid_price"]):
            throw notImplemented("Bids")
        case let path where path.count == 3 && path[0] == "instances":
            guard let verb = Verb(rawValue: path[1]) else { throw refused(endpoints) }
            guard let id = Int64(canonical: path[2]) else { throw WireError.invalidInstanceID }
            return (verb, id)
        default:
            throw refused(endpoints)
        }
    }

    /// Clients name the instance three times; all must mean the same.
    private static func check(_ value: JSONValue?, _ instance: Instance.ID) throws {
        switch value {
        case nil, .null?, .int(instance)?, .string("\(instance)")?: return
        default: throw refused("instance_id must be the one of api_endpoint.")
        }
    }

    private static func command(
        _ value: JSONValue?, _ instance: Instance.ID
    ) throws -> ScheduledCommand {
        guard let value, let object = value.object else {
            throw refused(
                "request_body must be the body of execute, such as {\"command\": \"ls\"}.")
        }
        try check(object["instance_id"], instance)
        let request = try WireJSON.decode(ExecuteRequest.self, WireJSON.encode(value))
        var order = try CommandOrder(request)
        order.previews = try request.wantsDryRun
        return try ScheduledCommand(order)
    }

    private static func refused(_ message: String) -> WireError {
        .badRequest("invalid_args", message)
    }

    private static func notImplemented(_ what: String) -> ControlPlaneError {
        ControlPlaneError(.notImplemented, "\(what) cannot be scheduled: Boathook has none.")
    }

    private static let endpoints =
        "api_endpoint must be /api/v0/instances/command/ID/ or /api/v0/instances/reboot/ID/."
}

// When.
extension ScheduleOrder {
    private static func recurrence(
        _ body: ScheduleJobRequest, _ old: Recurrence?, _ now: Double
    ) throws -> Recurrence {
        let frequency = try frequency(body.frequency) ?? old?.frequency
        guard let frequency else { throw refused("frequency must be HOURLY, DAILY or WEEKLY.") }
        let start = try number(body.startTime, "start_time")
        guard let end = try number(body.endTime, "end_time") ?? old?.endTime else {
            throw refused("end_time is missing; it is a time in Unix seconds.")
        }
        // Day and hour belong to the frequency: one that is given anew comes with its own.
        let isNew = body.frequency?.string != nil
        let day = try wholeNumber(body.dayOfTheWeek, "day_of_the_week")
        let hour = try wholeNumber(body.hourOfTheDay, "hour_of_the_day")
        // As is the minute to the start.
        let minute = try wholeNumber(body.minuteOfTheHour, "min_of_the_hour")
        do throws(Recurrence.Invalid) {
            return try Recurrence(
                frequency, day: day ?? (isNew ? nil : old?.dayOfTheWeek),
                hour: hour ?? (isNew ? nil : old?.hourOfTheDay),
                minute: minute ?? (start == nil ? old?.minuteOfTheHour : nil),
                from: start ?? old?.startTime ?? now, through: end)
        } catch {
            throw refused(error.description)
        }
    }

    private static func frequency(_ value: JSONValue?) throws -> Recurrence.Frequency? {
        switch value {
        case nil, .null?: return nil
        case .string(let text)?:
            guard let frequency = Recurrence.Frequency(rawValue: text) else { fallthrough }
            return frequency
        default: throw refused("frequency must be HOURLY, DAILY or WEEKLY.")
        }
    }

    private static func number(_ value: JSONValue?, _ name: String) throws -> Double? {
        switch value {
        case nil, .null?: return nil
        case .int(let number)?: return Double(number)
        case .double(let number)?: return number
        default: throw refused("\(name) must be a time in Unix seconds.")
        }
    }

    private static func wholeNumber(_ value: JSONValue?, _ name: String) throws -> Int? {
        switch value {
        case nil, .null?: return nil
        case .int(let number)?: return Int(number)
        default: throw refused("\(name) must be a whole number, or null.")
        }
    }
}
