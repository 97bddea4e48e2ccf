import Agent

extension Settings {
    /// What this machine's owner says about the instances that are made on it.
    static func instances(
        _ values: Values, publicURL: String?
    ) throws(SettingError) -> InstanceSettings {
        var settings = InstanceSettings()
        settings.makesInstances =
            try word(.createInstances, values, default: YesOrNo.yes) == .yes
        settings.slots = try number(.slots, values, default: 16, in: 1...1000)
        settings.processLimit = try number(
            .instanceProcesses, values, default: 4096, in: 0...4_194_304)
        settings.network = try word(.instanceNetwork, values, default: .auto)
        settings.ports = try read(
            .ports, values, default: settings.ports, "a range of ports, such as 20000-29999",
            portRange)
        settings.price = try read(
            .price, values, default: 0, "a number of dollars, 0 or more"
        ) { text -> Double? in
            guard let price = Double(text), price.isFinite, price >= 0 else { return nil }
            return price
        }
        settings.publicAddress = try read(
            .publicAddress, values,
            default: publicURL.flatMap(host) ?? HostAddress.first() ?? "127.0.0.1",
            "an address or a host name"
        ) { text -> String? in
            isHost(text) ? text : nil
        }
        settings.location = try read(
            .location, values, default: nil, "a line of at most 100 characters"
        ) { text -> String?? in
            guard !text.isEmpty, text.count <= 100, !text.contains(where: \.isNewline) else {
                return nil
            }
            return text
        }
        return settings
    }

    private enum YesOrNo: String, CaseIterable {
        case yes, no
    }

    /// None below 1024: they are of the host's own services.
    private static func portRange(_ text: String) -> ClosedRange<Int>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first >= 1024,
            first <= last, last <= 65_535
        else { return nil }
        return first...last
    }

    /// Of a URL; without the brackets of an IPv6 address.
    private static func host(of url: String) -> String? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        var authority = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if let user = authority.lastIndex(of: "@") {
            authority = authority[authority.index(after: user)...]
        }
        let host =
            authority.hasPrefix("[")
            ? authority.dropFirst().prefix { $0 != "]" } : authority.prefix { $0 != ":" }
        return host.isEmpty ? nil : String(host)
    }

    private static func isHost(_ text: String) -> Bool {
        (1...253).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                    UInt8(ascii: ":"):
                    true
                default: false
                }
            }
    }
}
