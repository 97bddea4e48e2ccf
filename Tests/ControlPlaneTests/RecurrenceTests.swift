import ControlPlane
import Foundation
import Testing

/// When something is due, by tables; times are read by Foundation, which knows the calendar by itself.
@Suite struct RecurrenceTests {
    struct Row: Sendable, CustomStringConvertible {
        let frequency: Recurrence.Frequency
        var day: Int?
        var hour: Int?
        let start: String
        let end: String
        let after: String
        let next: String?
        var description: String { "\(frequency) from \(start) to \(end), after \(after)" }
    }

    private static func time(_ text: String) throws -> Double {
        try Date("\(text)Z", strategy: .iso8601).timeIntervalSince1970
    }

    @Test(arguments: [
        // The minute of the start, and the start itself.
        Row(
            frequency: .hourly, start: "2026-11-25T10:20:00", end: "2026-11-26T00:00:00",
            after: "2026-11-25T09:00:00", next: "2026-11-25T10:20:00"),
        Row(
            frequency: .hourly, start: "2026-11-25T10:20:31", end: "2026-11-26T00:00:00",
            after: "2026-11-25T09:00:00", next: "2026-11-25T11:20:00"),
        Row(
            frequency: .hourly, start: "2026-11-25T10:20:00", end: "2026-11-26T00:00:00",
            after: "2026-11-25T10:20:00", next: "2026-11-25T11:20:00"),
        Row(
            frequency: .hourly, start: "2026-12-31T23:30:00", end: "2027-02-01T00:00:00",
            after: "2026-12-31T23:30:00", next: "2027-01-01T00:30:00"),
        // The end counts.
        Row(
            frequency: .daily, hour: 0, start: "2026-11-25T00:00:00", end: "2026-11-26T00:00:00",
            after: "2026-11-25T00:00:00", next: "2026-11-26T00:00:00"),
        Row(
            frequency: .daily, hour: 0, start: "2026-11-25T00:00:00", end: "2026-11-26T00:00:00",
            after: "2026-11-26T00:00:00", next: nil),
        Row(
            frequency: .daily, hour: 16, start: "2026-11-25T16:00:01", end: "2026-11-26T15:59:59",
            after: "2026-11-25T00:00:00", next: nil),
        // A leap day, and a year that has none.
        Row(
            frequency: .daily, hour: 7, start: "2028-01-01T00:05:00", end: "2029-01-01T00:00:00",
            after: "2028-02-28T12:00:00", next: "2028-02-29T07:05:00"),
        Row(
            frequency: .daily, hour: 7, start: "2027-01-01T00:05:00", end: "2029-01-01T00:00:00",
            after: "2027-02-28T12:00:00", next: "2027-03-01T07:05:00"),
        Row(
            frequency: .daily, hour: 7, start: "2100-01-01T00:05:00", end: "2101-01-01T00:00:00",
            after: "2100-02-28T12:00:00", next: "2100-03-01T07:05:00"),
        // 0 is Sunday; 29 November 2026 is one.
        Row(
            frequency: .weekly, day: 0, hour: 0, start: "2026-11-25T00:00:00",
            end: "2026-12-31T00:00:00", after: "2026-11-25T00:00:00", next: "2026-11-29T00:00:00"),
        Row(
            frequency: .weekly, day: 6, hour: 23, start: "2026-11-25T00:59:00",
            end: "2026-12-31T00:00:00", after: "2026-11-28T23:58:59", next: "2026-11-28T23:59:00"),
        Row(
            frequency: .weekly, day: 6, hour: 23, start: "2026-11-25T00:59:00",
            end: "2026-12-31T00:00:00", after: "2026-11-28T23:59:00", next: "2026-12-05T23:59:00"),
        Row(
            frequency: .weekly, day: 3, hour: 4, start: "2026-11-25T04:00:00",
            end: "2026-12-31T00:00:00", after: "2026-11-24T00:00:00", next: "2026-11-25T04:00:00"),
        Row(
            frequency: .weekly, day: 4, hour: 0, start: "1970-01-01T00:00:00",
            end: "1970-02-01T00:00:00", after: "1970-01-01T00:00:00", next: "1970-01-08T00:00:00"),
    ])
    func `the next due time`(row: Row) throws {
        let recurrence = try Recurrence(
            row.frequency, day: row.day, hour: row.hour, minute: nil,
            from: try Self.time(row.start), through: try Self.time(row.end))
        let next = try row.next.map(Self.time)
        #expect(recurrence.next(after: try Self.time(row.after)) == next)
        if let next {
            #expect(recurrence.last(through: next) == next)
            #expect(recurrence.last(through: next - 1) ?? 0 < next)
        }
    }

    /// Against Foundation's calendar, day by day for some years.
    @Test(arguments: 0...6) func `every day of the week`(day: Int) throws {
        let start = try Self.time("2026-11-25T00:17:00")
        let recurrence = try Recurrence(
            .weekly, day: day, hour: 13, minute: nil, from: start,
            through: try Self.time("2032-01-01T00:00:00"))
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(secondsFromGMT: 0))
        var count = 0
        var time = start
        while let due = recurrence.next(after: time) {
            let parts = calendar.dateComponents(
                [.weekday, .hour, .minute, .second], from: Date(timeIntervalSince1970: due))
            #expect(parts.weekday == day + 1 && parts.hour == 13)
            #expect(parts.minute == 17 && parts.second == 0)
            (time, count) = (due, count + 1)
        }
        #expect((265...267).contains(count))
        let first = try #require(recurrence.next(after: start))
        #expect(recurrence.count(from: first, through: time) == count)
    }

    @Test(
        arguments: [
            (Recurrence.Frequency.hourly, 0, nil), (.hourly, nil, 0), (.daily, 0, 0),
            (.daily, nil, nil),
            (.daily, nil, 24), (.daily, nil, -1), (.weekly, nil, 0), (.weekly, 0, nil),
            (.weekly, 7, 0),
            (.weekly, -1, 0), (.weekly, 0, 24),
        ] as [(Recurrence.Frequency, Int?, Int?)])
    func `what does not go together is no recurrence`(
        frequency: Recurrence.Frequency, day: Int?, hour: Int?
    ) {
        #expect(throws: Recurrence.Invalid.self) {
            try Recurrence(frequency, day: day, hour: hour, minute: nil, from: 0, through: 1e9)
        }
    }

    @Test(arguments: [
        (1.0, 1.0), (2, 1), (-1, 1), (0, .infinity), (.nan, 1), (0, 1e12),
    ])
    func `times that are none`(start: Double, end: Double) {
        #expect(throws: Recurrence.Invalid.self) {
            try Recurrence(.hourly, day: nil, hour: nil, minute: nil, from: start, through: end)
        }
    }

    @Test func `the last of the due times that passed is fired within its grace alone`() throws {
        let recurrence = try Recurrence(
            .hourly, day: nil, hour: nil, minute: 0, from: 0, through: 1e9)
        func decision(at time: Double, due: Double = 3600) -> JobDecision {
            JobDecision(
                ScheduledJob(
                    id: 1, accountID: 1, keyID: 1, instanceID: 1, action: .reboot,
                    recurrence: recurrence, nextDueAt: due), at: time, grace: 300)
        }
        for (time, dueAt, skipped, next) in [
            (3600.0, 3600.0, 0, 7200.0), (3900, 3600, 0, 7200), (3900.5, nil, 1, 7200),
            (7199, nil, 1, 7200), (7200, 7200, 1, 10_800), (36_100, 36_000, 9, 39_600),
            (36_301, nil, 10, 39_600),
        ] as [(Double, Double?, Int, Double)] {
            let decision = decision(at: time)
            #expect(decision.dueAt == dueAt, "\(time)")
            #expect(decision.skippedCount == skipped, "\(time)")
            #expect(decision.nextDueAt == next, "\(time)")
        }
        #expect(decision(at: 1e9, due: 999_997_200).nextDueAt == nil)
    }
}
