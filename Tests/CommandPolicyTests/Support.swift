import Foundation

/// SplitMix64: the same numbers for the same seed, on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension Collection {
    /// A random element, or `fallback` if there is none.
    func pick(_ generator: inout SeededGenerator, else fallback: Element) -> Element {
        randomElement(using: &generator) ?? fallback
    }
}

/// What a script wrote.
struct ScriptOutput {
    var output: [UInt8]
    var status: Int32
}

/// Runs a `sh` script in an empty folder of its own, with a bare environment.
///
/// Output goes to a file, so that no pipe can fill; standard input is empty.
func runShell(_ script: [UInt8]) throws -> ScriptOutput {
    let files = FileManager.default
    let folder = files.temporaryDirectory.appending(path: "policy-\(UUID().uuidString)")
    let empty = folder.appending(path: "empty")
    try files.createDirectory(at: empty, withIntermediateDirectories: true)
    defer { try? files.removeItem(at: folder) }
    let scriptFile = folder.appending(path: "script"), outputFile = folder.appending(path: "out")
    try Data(script).write(to: scriptFile)
    try Data().write(to: outputFile)
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = [scriptFile.path]
    process.currentDirectoryURL = empty
    process.environment = ["LC_ALL": "C", "PATH": "/usr/bin:/bin"]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: outputFile)
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let output = try Data(contentsOf: outputFile)
    return ScriptOutput(output: Array(output), status: process.terminationStatus)
}

/// A word in shell quoting, written without the code under test.
func quoted(_ word: String) -> String {
    "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
}

/// Whether the tables' tools are here: GNU coreutils 9.1, those of Debian 12.
let hasTableTools: Bool = {
    let script = "ls --version | head -n 1; du --version | head -n 1; rm --version | head -n 1"
    guard let run = try? runShell(Array(script.utf8)) else { return false }
    return String(decoding: run.output, as: UTF8.self)
        .components(separatedBy: "(GNU coreutils) 9.1").count == 4
}()
