/// The body of `POST /api/v0/commands/schedule_job/`, and of `PUT` with an id, where what is left out stays as it was
/// (contract 1.4).
///
/// Every field is an open value, because a wrong type must become a message.
package struct ScheduleJobRequest: Sendable, Hashable, Codable {
    /// Unix seconds.
    package var startTime: JSONValue?
    package var endTime: JSONValue?
    /// The path of the route that does the same at once.
    package var apiEndpoint: JSONValue?
    package var requestMethod: JSONValue?
    /// That route's body; clients add `instance_id`.
    package var requestBody: JSONValue?
    /// 0 is Sunday.
    package var dayOfTheWeek: JSONValue?
    package var hourOfTheDay: JSONValue?
    /// Boathook's own; without it, that of `start_time`.
    package var minuteOfTheHour: JSONValue?
    package var frequency: JSONValue?
    package var instanceID: JSONValue?

    enum CodingKeys: String, CodingKey {
        case frequency
        case startTime = "start_time"
        case endTime = "end_time"
        case apiEndpoint = "api_endpoint"
        case requestMethod = "request_method"
        case requestBody = "request_body"
        case dayOfTheWeek = "day_of_the_week"
        case hourOfTheDay = "hour_of_the_day"
        case minuteOfTheHour = "min_of_the_hour"
        case instanceID = "instance_id"
    }
}

/// One job in the bare array of `GET /api/v0/commands/schedule_job/` (contract 1.4).
///
/// What is behind `frequency` is Boathook's own.
package struct ScheduledJobRow: Sendable, Hashable, Codable {
    package var id: Int64
    package var instanceID: Int64
    package var apiEndpoint: String
    package var requestMethod: String
    package var requestBody: JSONValue
    package var startTime: Double
    package var endTime: Double
    package var dayOfTheWeek: Int?
    package var hourOfTheDay: Int?
    package var minuteOfTheHour: Int
    package var frequency: String
    /// The key as whose owner it is done.
    package var apiKeyID: Int64
    /// Unix seconds; null when it is never due again.
    package var nextDueTime: Double?
    /// At how many due times it was done, and how many passed without.
    package var fired: Int64
    package var skipped: Int64
    /// Its newest due time; null before the first.
    package var lastRun: ScheduledRunRow?

    enum CodingKeys: String, CodingKey {
        case id, frequency, fired, skipped
        case instanceID = "instance_id"
        case apiEndpoint = "api_endpoint"
        case requestMethod = "request_method"
        case requestBody = "request_body"
        case startTime = "start_time"
        case endTime = "end_time"
        case dayOfTheWeek = "day_of_the_week"
        case hourOfTheDay = "hour_of_the_day"
        case minuteOfTheHour = "min_of_the_hour"
        case apiKeyID = "api_key_id"
        case nextDueTime = "next_due_time"
        case lastRun = "last_run"
    }

    package init(
        id: Int64, instanceID: Int64, apiEndpoint: String, requestBody: JSONValue,
        startTime: Double, endTime: Double, dayOfTheWeek: Int?, hourOfTheDay: Int?,
        minuteOfTheHour: Int, frequency: String, apiKeyID: Int64, nextDueTime: Double?,
        fired: Int64, skipped: Int64, lastRun: ScheduledRunRow?
    ) {
        self.id = id
        self.instanceID = instanceID
        self.apiEndpoint = apiEndpoint
        requestMethod = "PUT"
        self.requestBody = requestBody
        self.startTime = startTime
        self.endTime = endTime
        self.dayOfTheWeek = dayOfTheWeek
        self.hourOfTheDay = hourOfTheDay
        self.minuteOfTheHour = minuteOfTheHour
        self.frequency = frequency
        self.apiKeyID = apiKeyID
        self.nextDueTime = nextDueTime
        self.fired = fired
        self.skipped = skipped
        self.lastRun = lastRun
    }

    /// Every key stands in every row; what there is not is null.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(instanceID, forKey: .instanceID)
        try container.encode(apiEndpoint, forKey: .apiEndpoint)
        try container.encode(requestMethod, forKey: .requestMethod)
        try container.encode(requestBody, forKey: .requestBody)
        try container.encode(startTime, forKey: .startTime)
        try container.encode(endTime, forKey: .endTime)
        try container.encode(dayOfTheWeek, forKey: .dayOfTheWeek)
        try container.encode(hourOfTheDay, forKey: .hourOfTheDay)
        try container.encode(minuteOfTheHour, forKey: .minuteOfTheHour)
        try container.encode(frequency, forKey: .frequency)
        try container.encode(apiKeyID, forKey: .apiKeyID)
        try container.encode(nextDueTime, forKey: .nextDueTime)
        try container.encode(fired, forKey: .fired)
        try container.encode(skipped, forKey: .skipped)
        try container.encode(lastRun, forKey: .lastRun)
    }
}

/// What became of one due time of a job.
package struct ScheduledRunRow: Sendable, Hashable, Codable {
    /// Unix seconds.
    package var dueTime: Double
    /// fired, refused, missed or lost; null while it is under way.
    package var state: String?
    /// The command that it became.
    package var commandID: Int64?
    /// Why not.
    package var note: String?

    enum CodingKeys: String, CodingKey {
        case state, note
        case dueTime = "due_time"
        case commandID = "command_id"
    }

    package init(dueTime: Double, state: String?, commandID: Int64?, note: String?) {
        self.dueTime = dueTime
        self.state = state
        self.commandID = commandID
        self.note = note
    }
}

/// The 200 of `POST` and `PUT`, and the 422, which has `error` beside it and names the job that is there already:
/// clients take the id out of it without looking (contract 1.4).
package struct ScheduleJobReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var error: String?
    package var msg: String
    package var scheduledJobID: Int64

    enum CodingKeys: String, CodingKey {
        case success, error, msg
        case scheduledJobID = "scheduled_job_id"
    }

    /// A job that was kept.
    package init(kept id: Int64, msg: String) {
        success = true
        self.msg = msg
        scheduledJobID = id
    }

    /// A job that does the same as often is there.
    package init(existing id: Int64) {
        success = false
        error = "job_exists"
        msg = "Scheduled job \(id) does the same as often; change it instead."
        scheduledJobID = id
    }
}

/// The 200 of `DELETE`.
package struct DeleteJobReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var msg: String

    package init() {
        success = true
        msg = "Scheduled job deleted."
    }
}
