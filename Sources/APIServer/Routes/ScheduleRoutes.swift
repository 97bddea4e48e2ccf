internal import ControlPlane
internal import HTTPTypes
internal import Hummingbird
internal import VastAPI

/// `GET /api/v0/commands/schedule_job/`: a bare array (contract 1.4).
struct ScheduleListRoute: Sendable {
    let access: ScheduleAccess

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let jobs = try await access.jobs(of: context.requirePrincipal())
        return try .json(try jobs.map { try ScheduledJobRow($0) })
    }
}

/// `POST /api/v0/commands/schedule_job/`.
struct CreateScheduleRoute: Sendable {
    let access: ScheduleAccess
    let time: WallTime

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        let body = try await request.jsonObject(ScheduleJobRequest.self, upTo: 65_536)
        let order = try ScheduleOrder(body, changing: nil, at: time.now())
        let change = try await access.make(
            order.action, on: order.instanceID, at: order.recurrence, as: principal)
        return try change.response("Scheduled job created.")
    }
}

/// `PUT /api/v0/commands/schedule_job/{id}/`: what the body leaves out stays as it was.
struct UpdateScheduleRoute: Sendable {
    let access: ScheduleAccess
    let time: WallTime

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        let principal = try context.requirePrincipal()
        let body = try await request.jsonObject(ScheduleJobRequest.self, upTo: 65_536)
        let job = try await access.job(context.jobID(), as: principal)
        let order = try ScheduleOrder(body, changing: job, at: time.now())
        let change = try await access.change(
            job.id, to: order.action, on: order.instanceID, at: order.recurrence, as: principal)
        return try change.response("Scheduled job updated.")
    }
}

/// `DELETE /api/v0/commands/schedule_job/{id}/`.
struct DeleteScheduleRoute: Sendable {
    let access: ScheduleAccess

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        try await access.remove(context.jobID(), as: context.requirePrincipal())
        return try .json(DeleteJobReply())
    }
}

extension JobChange {
    fileprivate func response(_ message: String) throws -> Response {
        switch self {
        case .kept(let job): try .json(ScheduleJobReply(kept: job.id, msg: message))
        case .exists(let id):
            try .json(ScheduleJobReply(existing: id), status: .unprocessableContent)
        case .full: throw WireError.unexpected
        }
    }
}

extension APIContext {
    /// The job id of the path; one that is no id names nothing.
    fileprivate func jobID() throws -> ScheduledJob.ID {
        guard let text = parameters.get("id"), let id = Int64(canonical: text) else {
            throw ControlPlaneError(.jobNotFound, "Scheduled job not found.")
        }
        return id
    }
}

extension ScheduledJobRow {
    fileprivate init(_ job: ScheduledJob) throws {
        let recurrence = job.recurrence
        self.init(
            id: job.id, instanceID: job.instanceID,
            apiEndpoint: ScheduleOrder.endpoint(of: job.action, on: job.instanceID),
            requestBody: try ScheduleOrder.body(of: job.action, on: job.instanceID),
            startTime: recurrence.startTime, endTime: recurrence.endTime,
            dayOfTheWeek: recurrence.dayOfTheWeek, hourOfTheDay: recurrence.hourOfTheDay,
            minuteOfTheHour: recurrence.minuteOfTheHour,
            frequency: recurrence.frequency.rawValue, apiKeyID: job.keyID,
            nextDueTime: job.nextDueAt, fired: job.firedCount, skipped: job.skippedCount,
            lastRun: job.lastRun.map {
                ScheduledRunRow(
                    dueTime: $0.dueAt, state: $0.state?.rawValue, commandID: $0.commandID,
                    note: $0.note)
            })
    }
}
