/// Which image is meant, as registries write it: `debian:12`, `registry.example:5000/team/app@sha256:…`.
///
/// It becomes a part of the engine's paths, so nothing is taken but what the grammar of references has
/// (distribution's `reference` package: repository, tag, digest). Never the bare id of an image: ids would name what
/// other owners fetched.
package struct ImageName: Sendable, Hashable, CustomStringConvertible {
    /// With its registry if that was named, and always with a tag or a digest.
    package let description: String
    /// Without the tag, and with the digest if there is one.
    let repository: String
    /// Nil beside a digest, which says more.
    let tag: String?

    /// - Parameter text: A tag that it does not have becomes `latest`; nil when it is no reference.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.maximumByteCount else { return nil }
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let digest = parts.count > 1 ? parts[1] : nil
        if let digest, !Self.isDigest(digest) { return nil }
        var components = parts[0].split(separator: "/", omittingEmptySubsequences: false)
        guard let last = components.popLast() else { return nil }
        // Before the last slash, a colon is a port's.
        let words = last.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if words.count > 1, !Self.isTag(words[1]) { return nil }
        components.append(words[0])
        let path =
            components.count > 1 && Self.isRegistry(components[0])
            ? components.dropFirst() : components[...]
        guard !path.isEmpty, path.allSatisfy(Self.isComponent) else { return nil }
        let name = components.joined(separator: "/")
        let tag = words.count > 1 ? String(words[1]) : "latest"
        // The engine takes `sha256:…` for an image's id.
        if digest == nil, Self.algorithms.contains(name) { return nil }
        if let digest {
            repository = "\(name)@\(digest)"
            self.tag = nil
            description = repository
        } else {
            repository = name
            self.tag = tag
            description = "\(name):\(tag)"
        }
    }

    /// The registry's host and port; Docker Hub's when none is named.
    package var registry: String {
        let first = repository.split(separator: "/", maxSplits: 1).first ?? ""
        return first.count < repository.count && Self.isRegistry(first)
            ? String(first) : Self.dockerHub
    }

    /// Its repository, in the one of its spellings by which the engines know it.
    package var fullRepository: String {
        let name = repository.prefix { $0 != "@" }
        let host = registry
        guard [Self.dockerHub, "index.docker.io"].contains(host) else { return String(name) }
        let path = name.hasPrefix("\(host)/") ? name.dropFirst(host.count + 1) : name
        return "\(Self.dockerHub)/\(path.contains("/") ? "" : "library/")\(path)"
    }

    /// Whether credentials for `server` are for this image's registry: they are shown to no other one.
    package func isOn(_ server: String) -> Bool {
        var host = server.lowercased()
        for scheme in ["https://", "http://"] where host.hasPrefix(scheme) {
            host.removeFirst(scheme.count)
        }
        host = String(host.prefix { $0 != "/" })
        let hubs = [Self.dockerHub, "index.docker.io", "registry-1.docker.io", ""]
        return hubs.contains(host) ? registry == Self.dockerHub : registry.lowercased() == host
    }

    private static let dockerHub = "docker.io"
    private static let algorithms = ["sha256", "sha384", "sha512"]
    /// 255 for the name, 128 for the tag, and a digest of 512 bits.
    private static let maximumByteCount = 512

    /// The first word is a host if it could not be a part of a path.
    private static func isRegistry(_ word: Substring) -> Bool {
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, !parts[0].isEmpty, parts[0].first != ".", parts[0].first != "-",
            parts[0].utf8.allSatisfy({ $0.isLetterOrDigit || $0 == dot || $0 == dash }),
            parts.count == 1 || UInt16(parts[1]) != nil
        else { return false }
        return parts.count == 2 || word.contains(".") || word == "localhost"
            || word.contains { $0.isUppercase }
    }

    /// Lower-case letters and digits, parted by one dot, one or two underscores, or dashes.
    private static func isComponent(_ word: Substring) -> Bool {
        guard let first = word.utf8.first, let last = word.utf8.last, isPlain(first), isPlain(last),
            word.utf8.allSatisfy({ isPlain($0) || $0 == dot || $0 == dash || $0 == underscore })
        else { return false }
        return !word.contains("..") && !word.contains("___")
    }

    private static func isTag(_ word: Substring) -> Bool {
        guard let first = word.utf8.first, word.utf8.count <= 128, first != dot, first != dash
        else {
            return false
        }
        return word.utf8.allSatisfy {
            $0.isLetterOrDigit || $0 == dot || $0 == dash || $0 == underscore
        }
    }

    private static func isDigest(_ word: Substring) -> Bool {
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 && algorithms.contains(String(parts[0]))
            && (64...128).contains(parts[1].utf8.count)
            && parts[1].utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static let dot = UInt8(ascii: ".")
    private static let dash = UInt8(ascii: "-")
    private static let underscore = UInt8(ascii: "_")
}

extension UInt8 {
    /// Of ASCII.
    var isLetterOrDigit: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
