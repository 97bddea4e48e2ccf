import Agent
import ControlPlane
import Logging

/// What a server or an agent is to be like, checked.
struct Settings: Sendable {
    var dataDir: String
    var host: String
    var port: Int
    /// Nil: the address that is listened on.
    var publicURL: String?
    /// Nil: the first of the usual places.
    var engine: String?
    var adoption: Adoption
    var policy: PolicyChoice
    var machinePolicy: PolicyChoice
    var instances: InstanceSettings
    /// Empty: all there are.
    var sshAddresses: [String]
    var compatibility: Compatibility
    var concurrency: Int
    var resultHours: Int
    var keeping: ResultKeeping
    var writerStartSeconds: Int
    var readerStartSeconds: Int
    var logLevel: Logger.Level

    /// Values as they were set, each with the place where: `--listen`, `BOATHOOK_LISTEN`, `FILE:3`.
    typealias Values = [Setting: (text: String, source: String)]

    /// - Throws: ``SettingError`` for the first value that cannot be used.
    init(_ values: Values) throws(SettingError) {
        dataDir = try Self.read(
            .dataDir, values, default: "/var/lib/boathook", "an absolute or relative path"
        ) {
            $0.isEmpty ? nil : $0
        }
        let address = try Self.read(
            .listen, values, default: ("127.0.0.1", 8787), "HOST:PORT, such as 127.0.0.1:8787",
            Self.address)
        (host, port) = address
        publicURL = try Self.read(.publicURL, values, default: nil, "an http or https URL") {
            // Not by `?:`, which would make a value of a refusal.
            guard $0.hasPrefix("http://") || $0.hasPrefix("https://") else { return nil }
            return $0
        }
        engine = try Self.read(.engine, values, default: nil, "unix:///PATH") {
            guard !$0.isEmpty else { return nil }
            return $0
        }
        adoption = try Self.word(.adopt, values, default: .label)
        policy = PolicyChoice(
            try Self.read(.policy, values, default: "vast", Self.policy) { $0.isEmpty ? nil : $0 })
        machinePolicy = PolicyChoice(
            try Self.read(.machinePolicy, values, default: "diagnose", Self.policy) {
                $0.isEmpty ? nil : $0
            })
        instances = try Self.instances(values, publicURL: publicURL)
        sshAddresses = try Self.sshAddresses(values)
        compatibility = try Self.word(.compatibility, values, default: .boathook)
        concurrency = try Self.number(.concurrency, values, default: 8, in: 1...256)
        resultHours = try Self.number(.resultHours, values, default: 24, in: 1...8760)
        keeping = ResultKeeping()
        keeping.totalLimit =
            Int64(try Self.number(.resultsMiB, values, default: 10_240, in: 1...16_777_216)) << 20
        keeping.outputLimit =
            Int64(try Self.number(.outputMiB, values, default: 64, in: 1...65_536)) << 20
        keeping.recordLifetime =
            Double(try Self.number(.recordDays, values, default: 90, in: 1...36_500)) * 86_400
        writerStartSeconds = try Self.number(
            .writerStartSeconds, values, default: 60, in: 1...86_400)
        readerStartSeconds = try Self.number(
            .readerStartSeconds, values, default: 600, in: 1...86_400)
        logLevel = try Self.word(.logLevel, values, default: .info)
    }

    private static let policy = "the name of a policy, or a file"

    static func read<Value>(
        _ setting: Setting, _ values: Values, default standard: Value, _ wanted: String,
        _ convert: (String) -> Value?
    ) throws(SettingError) -> Value {
        guard let value = values[setting] else { return standard }
        guard let converted = convert(value.text) else {
            throw SettingError(value.source, "'\(value.text)' is not \(wanted)")
        }
        return converted
    }

    static func word<Value: CaseIterable & RawRepresentable<String>>(
        _ setting: Setting, _ values: Values, default standard: Value
    ) throws(SettingError) -> Value {
        let words = Value.allCases.map(\.rawValue).joined(separator: ", ")
        return try read(setting, values, default: standard, "one of \(words)") {
            Value(rawValue: $0)
        }
    }

    static func number(
        _ setting: Setting, _ values: Values, default standard: Int, in range: ClosedRange<Int>
    ) throws(SettingError) -> Int {
        let wanted = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return try read(setting, values, default: standard, wanted) {
            Int($0).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// The host may be an IPv6 address in brackets.
    private static func address(_ text: String) -> (String, Int)? {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return host.isEmpty ? nil : (String(host), Int(port))
    }
}
