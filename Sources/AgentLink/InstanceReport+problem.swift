// A machine is not trusted to tell the truth, nor to be brief (security.md, P30): what it tells lies in its owners' lists.
extension InstanceReport {
    /// Why it cannot be kept, in words for the server's log; nil when all is as a container may have it.
    package var problem: String? {
        guard (1...Self.maximumIDByteCount).contains(containerID.utf8.count),
            containerID.utf8.allSatisfy(Self.isOfID)
        else { return "container_id is none" }
        let texts = [
            ("name", name), ("image", image), ("status", status), ("owner", owner),
            ("label", label ?? ""),
        ]
        if let (name, _) = texts.first(where: { $0.1.utf8.count > Self.maximumTextByteCount }) {
            return "\(name) is too long"
        }
        let times = [("created_at", createdAt), ("started_at", startedAt ?? 0)]
        if let (name, _) = times.first(where: { !(-1e12...1e12).contains($0.1) }) {
            return "\(name) is no time"
        }
        guard environment.allSatisfy({ $0.count == 2 }) else { return "environment has no pairs" }
        let counts = [instanceID, generation, writtenBytes].compactMap { $0 }
        return counts.allSatisfy { $0 >= 0 } ? nil : "a number is negative"
    }

    /// The same without what is longer than anybody reads: of a container that somebody made so, the rest is true.
    package func bounded() -> InstanceReport {
        var report = self
        report.statusMessage = statusMessage?.prefix(byteCount: Self.maximumMessageByteCount)
        let byteCount = environment.reduce(0) { count, pair in
            pair.reduce(count) { $0 + $1.utf8.count }
        }
        if byteCount > Self.maximumEnvironmentByteCount { report.environment = [] }
        report.ports = ports.prefix(Self.maximumPortCount).filter {
            $0.port.utf8.count <= Self.maximumPortByteCount
                && $0.hostAddress.utf8.count <= Self.maximumPortByteCount
        }
        return report
    }

    private static func isOfID(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }

    /// How many containers of one machine are instances.
    package static let maximumCount = 4096
    package static let maximumMessageByteCount = 1000
    /// Engines' ids are 64 hexadecimal digits.
    private static let maximumIDByteCount = 128
    /// A label may have 1,024 characters.
    private static let maximumTextByteCount = 4096
    private static let maximumEnvironmentByteCount = 1 << 16
    private static let maximumPortCount = 1024
    private static let maximumPortByteCount = 64
}

extension InstanceProgress {
    /// The same without the end of what is longer than anybody reads.
    package func bounded() -> InstanceProgress {
        var progress = self
        progress.message = message.prefix(byteCount: InstanceReport.maximumMessageByteCount)
        return progress
    }
}

extension String {
    /// As many whole characters of Unicode as have so many bytes together.
    fileprivate func prefix(byteCount: Int) -> String {
        guard utf8.count > byteCount else { return self }
        var end = utf8.index(startIndex, offsetBy: byteCount)
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
