import Glibc

/// This host's own addresses.
enum HostAddress {
    /// The first IPv4 address that is no loopback, of an interface that is up (getifaddrs(3)); nil when there is none.
    static func first() -> String? {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return nil }
        defer { freeifaddrs(list) }
        for entry in sequence(first: list, next: { $0?.pointee.ifa_next }) {
            guard let entry = entry?.pointee, let address = entry.ifa_addr,
                Int32(address.pointee.sa_family) == AF_INET,
                entry.ifa_flags & isUp != 0, entry.ifa_flags & isLoopback == 0
            else { continue }
            var text = [CChar](repeating: 0, count: Int(INET_ADDRSTRLEN))
            let isText = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                inet_ntop(AF_INET, &$0.pointee.sin_addr, &text, socklen_t(INET_ADDRSTRLEN)) != nil
            }
            if isText {
                return String(
                    decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
        }
        return nil
    }

    // IFF_UP and IFF_LOOPBACK (netdevice(7)), which Swift sees as one type here and as another there.
    private static let isUp: UInt32 = 0x1
    private static let isLoopback: UInt32 = 0x8
}
