internal import FoundationEssentials
internal import Glibc

/// The machine on which this program runs.
enum OwnMachine {
    /// Whether a URL can lead nowhere else: to a loopback address, or `localhost` (RFC 6761, section 6.3).
    static func isReached(by url: String) -> Bool {
        // The network library reads it so, too.
        guard let url = URL(string: url), ["http", "https"].contains(url.scheme?.lowercased()),
            let host = url.host(percentEncoded: true)
        else { return false }
        return host.lowercased() == "localhost" || isLoopback(host)
    }

    private static func isLoopback(_ host: String) -> Bool {
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 {
            return UInt32(bigEndian: four.s_addr) >> 24 == 127
        }
        var six = in6_addr()
        let address = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        guard inet_pton(AF_INET6, address, &six) == 1 else { return false }
        return withUnsafeBytes(of: six) { $0.dropLast().allSatisfy { $0 == 0 } && $0.last == 1 }
    }
}
