internal import CJail
internal import Crypto
internal import Glibc

/// The preloaded library, as checked bytes in a sealed memory file: what is loaded later is what was
/// checked, whatever becomes of the file on disk.
final class JailLibrary: Sendable {
    let descriptor: CInt

    /// - Parameter path: Of `libboathook-jail.so`; beside it lies the same name with `.sha256`.
    /// - Throws: ``JailError`` when a file cannot be read, the digest is another, or the bytes cannot
    ///   be sealed.
    init(path: String) throws(JailError) {
        let bytes = try Self.read(path)
        let expected = try Self.read(path + ".sha256").prefix { $0 != UInt8(ascii: "\n") }
        let digest = SHA256.hash(data: bytes).reduce(into: "") { text, byte in
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        guard expected.elementsEqual(digest.utf8) else {
            throw JailError("library", "\(path) does not have the digest in \(path).sha256")
        }
        descriptor = cjail_seal(bytes, bytes.count, "boathook-jail", 1)
        guard descriptor >= 0 else {
            throw JailError("library", String(cString: strerror(-descriptor)))
        }
    }

    deinit {
        close(descriptor)
    }

    private static func read(_ path: String) throws(JailError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw JailError("library", "\(path): \(String(cString: strerror(errno)))")
        }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(file, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return bytes
    }
}
