package import ControlPlane
internal import Glibc

extension FileResultStore {
    /// Copies results into another folder of results, durably, while a server uses the first one.
    ///
    /// What is not there is passed over: results end, and a server does not wait for whoever copies.
    ///
    /// - Parameters:
    ///   - ids: Of the commands.
    ///   - source: The folder that they are in.
    ///   - target: Where they come to; made if it is not there.
    /// - Returns: How many were there.
    /// - Throws: ``FileError``; some may have been copied then.
    @discardableResult
    package static func copy(
        _ ids: some Sequence<Command.ID>, from source: String, to target: String
    ) throws -> Int {
        try makeFolder(target)
        var count = 0
        var folders: Set<String> = []
        for id in ids {
            guard let file = try ResultFile.open(path(of: id, in: source)) else { continue }
            if folders.insert(folder(of: id, in: target)).inserted {
                try makeFolder(folder(of: id, in: target))
            }
            let copy = try ResultFile.create(path(of: id, in: target))
            var offset: Int64 = 0
            while true {
                let piece = try file.read(at: offset, count: copyByteCount)
                guard !piece.isEmpty else { break }
                try copy.append(piece) { false }
                offset += Int64(piece.count)
            }
            try copy.flush()
            count += 1
        }
        for folder in folders { try flushFolder(folder) }
        try flushFolder(target)
        return count
    }

    static func folder(of id: Command.ID, in root: String) -> String { "\(root)/\(id >> 12)" }
    static func path(of id: Command.ID, in root: String) -> String {
        "\(folder(of: id, in: root))/\(id)"
    }

    private static let copyByteCount = 1 << 20
}
