/// At which times something is due again and again; by UTC, which has no summer time.
///
/// So the due times of each frequency are equally far from one another, and what is asked of them is arithmetic.
package struct Recurrence: Sendable, Hashable {
    /// As upstream spells it (contract 1.4).
    package enum Frequency: String, Sendable, Hashable, CaseIterable {
        case hourly = "HOURLY"
        case daily = "DAILY"
        case weekly = "WEEKLY"

        /// Seconds from one due time to the next.
        package var period: Double {
            switch self {
            case .hourly: 3600
            case .daily: 86_400
            case .weekly: 604_800
            }
        }
    }

    package let frequency: Frequency
    /// 0 is Sunday; of weekly ones alone.
    package let dayOfTheWeek: Int?
    /// Not of hourly ones.
    package let hourOfTheDay: Int?
    package let minuteOfTheHour: Int
    /// Unix seconds: nothing is due before the first, or after the second.
    package let startTime: Double
    package let endTime: Double

    /// What does not go together.
    package struct Invalid: Error, Sendable, Hashable, CustomStringConvertible {
        /// For the person who asked.
        package let description: String
    }

    /// - Parameters:
    ///   - frequency: How often.
    ///   - day: On which day of the week; 0 is Sunday.
    ///   - hour: At which hour of the day.
    ///   - minute: At which minute of the hour; nil for that of the start.
    ///   - start: From when on, in Unix seconds.
    ///   - end: Until when.
    /// - Throws: ``Invalid``.
    package init(
        _ frequency: Frequency, day: Int?, hour: Int?, minute: Int?, from start: Double,
        through end: Double
    ) throws(Invalid) {
        guard Self.times.contains(start), Self.times.contains(end) else {
            throw Invalid(description: "start_time and end_time are Unix seconds.")
        }
        guard start < end else {
            throw Invalid(description: "start_time must be before end_time.")
        }
        try Self.check(frequency, day: day, hour: hour)
        guard (0...59).contains(minute ?? 0) else {
            throw Invalid(description: "min_of_the_hour is a whole number from 0 to 59.")
        }
        self.frequency = frequency
        dayOfTheWeek = day
        hourOfTheDay = hour
        minuteOfTheHour = minute ?? Int(start / 60) % 60
        startTime = start
        endTime = end
    }

    private static func check(_ frequency: Frequency, day: Int?, hour: Int?) throws(Invalid) {
        let hasDay = day.map { (0...6).contains($0) }
        let hasHour = hour.map { (0...23).contains($0) }
        switch (frequency, hasDay, hasHour) {
        case (.hourly, nil, nil), (.daily, nil, true), (.weekly, true, true): return
        case (.hourly, _, _):
            throw Invalid(
                description: "For HOURLY, day_of_the_week and hour_of_the_day must be null.")
        case (.daily, _, _):
            throw Invalid(
                description:
                    "For DAILY, day_of_the_week must be null, and hour_of_the_day from 0 to 23.")
        case (.weekly, _, _):
            throw Invalid(
                description:
                    "For WEEKLY, day_of_the_week must be from 0 (Sunday) to 6, and hour_of_the_day from 0 to 23."
            )
        }
    }

    /// Up to the end of the year 9999.
    private static let times = 0.0...253_402_300_799
}

// The due times.
extension Recurrence {
    /// The first due time after a time; nil when there is none any more.
    package func next(after time: Double) -> Double? {
        let earliest = max(time, startTime)
        var due = offset + period * ((earliest - offset) / period).rounded(.up)
        if due <= time { due += period }
        return due <= endTime ? due : nil
    }

    /// The last due time at or before a time; nil when there was none yet.
    package func last(through time: Double) -> Double? {
        let latest = min(time, endTime)
        let due = offset + period * ((latest - offset) / period).rounded(.down)
        return due >= startTime ? due : nil
    }

    /// How many due times there are from one to another, both of them due times.
    package func count(from first: Double, through last: Double) -> Int {
        Int(((last - first) / period).rounded()) + 1
    }

    private var period: Double { frequency.period }

    /// The first due time from 1 January 1970 on, were there no start; that day was a Thursday.
    private var offset: Double {
        let days = dayOfTheWeek.map { ($0 + 3) % 7 } ?? 0
        return Double(days * 86_400 + (hourOfTheDay ?? 0) * 3600 + minuteOfTheHour * 60)
    }
}
