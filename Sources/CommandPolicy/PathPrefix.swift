/// Paths as text: what lies below what.
///
/// Links are not followed: what a path leads to only the jail can tell, and it holds a command to its
/// paths by showing it nothing else.
package enum PathPrefix {
    /// The path from the root without `.`, `..` and doubled slashes; `/` for the root.
    ///
    /// A path that is not absolute begins at `/`, the working folder of every command.
    package static func normalized(_ path: String) -> String {
        var kept: [ArraySlice<UInt8>] = []
        for component in Array(path.utf8).split(separator: UInt8(ascii: "/")) {
            if component.elementsEqual(".".utf8) { continue }
            if component.elementsEqual("..".utf8) {
                _ = kept.popLast()
            } else {
                kept.append(component)
            }
        }
        return kept.isEmpty ? "/" : kept.map { "/" + Array($0).text }.joined()
    }

    /// Whether a normalised path is the other or lies below it.
    package static func contains(_ prefix: String, _ path: String) -> Bool {
        prefix.hasSameBytes(as: "/") || path.hasSameBytes(as: prefix)
            || path.utf8.starts(with: (prefix + "/").utf8)
    }

    /// What lies below one of the first and one of the second; nil stands for everything.
    ///
    /// - Parameters:
    ///   - first: Normalised paths, or nil.
    ///   - second: Normalised paths, or nil.
    /// - Returns: The fewest paths, sorted by length; empty when nothing lies below both.
    package static func intersection(_ first: [String]?, _ second: [String]?) -> [String]? {
        // The root stands for everything.
        let first = first.flatMap { $0.contains { $0.hasSameBytes(as: "/") } ? nil : $0 }
        let second = second.flatMap { $0.contains { $0.hasSameBytes(as: "/") } ? nil : $0 }
        guard let first else { return second.map(topmost) }
        guard let second else { return topmost(first) }
        let common = first.flatMap { one in
            second.compactMap { other in
                if contains(one, other) { other } else if contains(other, one) { one } else { nil }
            }
        }
        return topmost(common)
    }

    /// The paths that lie below none of the others, shorter ones first.
    private static func topmost(_ paths: [String]) -> [String] {
        var kept: [String] = []
        for path in paths.sorted(by: { $0.utf8.count < $1.utf8.count })
        where !kept.contains(where: { contains($0, path) }) {
            kept.append(path)
        }
        return kept
    }
}
