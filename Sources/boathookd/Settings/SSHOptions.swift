import Glibc

extension Settings {
    /// Where instances are logged into by SSH; empty for all addresses, where the engine has their other ports, too.
    static func sshAddresses(_ values: Values) throws(SettingError) -> [String] {
        try read(.sshListen, values, default: [], "all, or addresses such as 127.0.0.1,::1") {
            text in
            if text == "all" { return [] }
            let addresses = text.split(separator: ",", omittingEmptySubsequences: false)
            return addresses.allSatisfy(isAddress) ? addresses.map(String.init) : nil
        }
    }

    /// No name, which might lead to another address tomorrow.
    private static func isAddress(_ text: Substring) -> Bool {
        var address = in6_addr()
        return [AF_INET, AF_INET6].contains { inet_pton($0, String(text), &address) == 1 }
    }
}
