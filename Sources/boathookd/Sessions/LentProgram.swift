import Agent
import FoundationEssentials
import Glibc

/// A program of this machine's that is lent to a container.
///
/// What is lent are bytes: a copy of the program and of its libraries, written by the container's own `cat` into a
/// folder of the container's, where it runs as any program of the container does. The machine's own never touches the
/// container's files. Whoever runs it removes the folder.
struct LentProgram {
    /// How it is called in the folder, beside its `loader`.
    let name: String
    /// Where it may be on this machine.
    let places: [String]

    /// Whether this machine has it.
    var isHere: Bool { place != nil }

    /// What the folders are called that it was ever lent in.
    var folderPrefix: String { "/tmp/.boathook-\(name)-" }

    private var place: String? { places.first { access($0, X_OK) == 0 } }

    /// Writes it into a container.
    ///
    /// - Parameter session: Into which container.
    /// - Returns: The folder, which is new; nil when it could not be done.
    /// - Throws: ``SessionError`` when the container cannot be entered.
    func lend(to session: SessionScripts) throws(SessionError) -> String? {
        let folder = "\(folderPrefix)\(UInt64.random(in: .min ... .max))"
        guard let files, try session.run(#"mkdir -m 700 "$1""#, [folder]).status == 0 else {
            return nil
        }
        do throws(SessionError) {
            for file in files {
                guard let bytes = FileManager.default.contents(atPath: file.path),
                    try session.run(
                        Self.lendScript, [folder, file.name], input: Array(bytes)
                    ).status == 0
                else {
                    Self.remove(folder, session)
                    return nil
                }
            }
        } catch {
            Self.remove(folder, session)
            throw error
        }
        return folder
    }

    /// As far as the container lets that be done.
    private static func remove(_ folder: String, _ session: SessionScripts) {
        _ = try? session.last.run(#"rm -rf "$1""#, [folder])
    }

    private static let lendScript = #"cat >"$1/$2" && chmod 700 "$1/$2""#

    /// It with all that it is loaded with (ldd(1)); nil when it is not here.
    private var files: [(name: String, path: String)]? {
        guard let place, let pipe = popen("LC_ALL=C ldd \(place)", "re") else { return nil }
        defer { pclose(pipe) }
        var files = [(name: name, path: place)]
        var line = [UInt8](repeating: 0, count: 4096)
        while line.withUnsafeMutableBytes({
            fgets($0.assumingMemoryBound(to: CChar.self).baseAddress, CInt($0.count), pipe)
        }) != nil {
            // `NAME => PATH (ADDRESS)`, or `LOADER (ADDRESS)`; the kernel's own library has no path.
            let words = String(decoding: line.prefix { $0 != 0 }, as: UTF8.self)
                .split { $0.isWhitespace }.map(String.init)
            if words.count >= 3, words[1] == "=>" {
                files.append((words[0], words[2]))
            } else if let loader = words.first, loader.hasPrefix("/") {
                files.append(("loader", loader))
            }
        }
        return files.contains { $0.name == "loader" } ? files : nil
    }
}
