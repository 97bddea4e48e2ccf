internal import ArgumentParser
internal import FoundationEssentials
internal import VastAPI

/// `boathook create schedule INSTANCE COMMAND`.
struct CreateScheduleVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "schedule",
        abstract: "Have a command run on an instance again and again, or have it rebooted.",
        discussion: """
            Times are UTC. The command is run as you, as long as your key may run it; each time counts as a command of \
            its own, so 'boathook show commands' lists it.

              boathook create schedule 7 'du -d1 -h workspace' --daily --hour 3
              boathook create schedule 7 'rm -r workspace/cache' --weekly --day 0 --hour 4 --minute 30
              boathook create schedule 7 --reboot --hourly --until 2027-01-01T00:00:00Z

            Nothing is run when it is made. Exit status: 0 kept, 1 there is one like it, or no such instance, 64 wrong \
            usage, 125 refused.
            """,
        aliases: ["scheduled-job"])

    @Argument(help: ArgumentHelp("The instance's id.", valueName: "instance_id"))
    var instanceID: Int64

    @Argument(help: ArgumentHelp("The command, as of 'boathook execute'.", valueName: "command"))
    var command: String?

    @Flag(help: "Reboot the instance instead.")
    var reboot = false

    @Flag(help: "How often.")
    var frequency: Frequency

    @Option(help: ArgumentHelp("On which day of the week; 0 is Sunday.", valueName: "0-6"))
    var day: Int?

    @Option(help: ArgumentHelp("At which hour (default: 0).", valueName: "0-23"))
    var hour: Int?

    @Option(help: ArgumentHelp("At which minute (default: 0).", valueName: "0-59"))
    var minute = 0

    @Option(
        help: ArgumentHelp(
            "From when on, such as 2026-12-01T00:00:00Z (default: now).", valueName: "time"))
    var from: Moment?

    @Option(help: ArgumentHelp("Until when (default: a week from then).", valueName: "time"))
    var until: Moment?

    @OptionGroup var options: ClientOptions

    enum Frequency: String, EnumerableFlag { case hourly, daily, weekly }

    func validate() throws {
        guard (command == nil) == reboot else {
            throw ValidationError("a command is expected, or --reboot")
        }
        guard day == nil || frequency == .weekly else {
            throw ValidationError("--day goes with --weekly")
        }
        guard hour == nil || frequency != .hourly else {
            throw ValidationError("--hour goes with --daily or --weekly")
        }
        guard (0...6).contains(day ?? 0), (0...23).contains(hour ?? 0), (0...59).contains(minute)
        else { throw ValidationError("there is no such time") }
    }

    func run() async throws {
        let body = body(at: Date().timeIntervalSince1970)
        do {
            let reply: ScheduleJobReply = try await VerbFailure.naming {
                try await options.client().post(APIPath.scheduledJobs, body)
            }
            try StandardStreams.print(
                options.json ? try JSONText.of(reply) : "schedule \(reply.scheduledJobID)")
        } catch let error as ClientError where error.status == 422 {
            throw error.ending(with: 1)
        }
    }

    func body(at now: Double) -> [String: JSONValue] {
        let start = from?.seconds ?? now
        var request: [String: JSONValue] = ["instance_id": .int(instanceID)]
        request["command"] = command.map { .string($0) }
        return [
            "start_time": .double(start),
            "end_time": .double(until?.seconds ?? start + 7 * 86_400),
            "api_endpoint": .string(
                reboot
                    ? APIPath.reboot(instance: instanceID) : APIPath.execute(instance: instanceID)),
            "request_method": .string("PUT"),
            "request_body": .object(request),
            "day_of_the_week": frequency == .weekly ? .int(Int64(day ?? 0)) : .null,
            "hour_of_the_day": frequency == .hourly ? .null : .int(Int64(hour ?? 0)),
            "min_of_the_hour": .int(Int64(minute)),
            "frequency": .string(frequency.rawValue.uppercased()),
            "instance_id": .int(instanceID),
        ]
    }
}

/// A moment on the command line, as RFC 3339 has it.
struct Moment: ExpressibleByArgument, Sendable, Hashable {
    let seconds: Double

    init?(argument: String) {
        guard let date = try? Date(argument, strategy: .iso8601) else { return nil }
        seconds = date.timeIntervalSince1970
    }
}

/// `boathook show schedules`.
struct ShowSchedulesVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "schedules", abstract: "List what runs again and again.",
        discussion: "  boathook show schedules",
        aliases: ["scheduled-jobs"])

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let rows: [ScheduledJobRow] = try await options.client().get(APIPath.scheduledJobs)
        if options.json {
            try StandardStreams.print(try JSONText.of(rows))
            return
        }
        var table = Table(
            head: ["ID", "INSTANCE", "WHEN (UTC)", "NEXT", "DONE", "LAST", "WHAT"],
            spares: ["DONE", "LAST", "INSTANCE"])
        for row in rows {
            table.add([
                "\(row.id)", "\(row.instanceID)", Self.recurrence(row),
                row.nextDueTime.map(MomentText.of) ?? "never", "\(row.fired)",
                row.lastRun.map { $0.state ?? "under way" } ?? "-",
                row.requestBody.object?["command"]?.string ?? "reboot",
            ])
        }
        try table.write()
    }

    private static func recurrence(_ row: ScheduledJobRow) -> String {
        let time = [row.hourOfTheDay, row.minuteOfTheHour].map { number in
            number.map { $0 < 10 ? "0\($0)" : "\($0)" } ?? "*"
        }.joined(separator: ":")
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        guard let day = row.dayOfTheWeek, days.indices.contains(day) else {
            return "\(row.frequency.lowercased()) \(time)"
        }
        return "\(row.frequency.lowercased()) \(days[day]) \(time)"
    }
}

/// `boathook delete schedule ID`.
struct DeleteScheduleVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "schedule", abstract: "Stop what runs again and again.",
        discussion: "  boathook delete schedule 3",
        aliases: ["scheduled-job"])

    @Argument(help: ArgumentHelp("The schedule's id.", valueName: "id"))
    var id: Int64

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: DeleteJobReply = try await VerbFailure.naming {
            try await options.client().delete(APIPath.scheduledJob(id))
        }
        try StandardStreams.print(options.json ? try JSONText.of(reply) : reply.msg)
    }
}
