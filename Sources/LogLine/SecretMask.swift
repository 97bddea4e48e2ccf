/// Takes out of a text whatever has the shape of one of Boathook's secrets.
///
/// No line of the program logs a key, a token or a result's URL. This is for texts that others wrote: an
/// engine's error, a server's answer.
package enum SecretMask {
    /// The text with `[secret]` in place of every run of URL-safe base64 characters that is as long as a
    /// secret and has capital and small letters.
    ///
    /// A digest or a container's id has no capitals. A secret without one, or without small letters, comes
    /// up once in four billion.
    package static func masked(_ text: String) -> String {
        guard text.utf8.count >= secretByteCount else { return text }
        var result: [UInt8] = []
        var run: [UInt8] = []
        func endRun() {
            result += isSecret(run) ? Array("[secret]".utf8) : run
            run = []
        }
        for byte in text.utf8 {
            if isOfAlphabet(byte) {
                run.append(byte)
            } else {
                endRun()
                result.append(byte)
            }
        }
        endRun()
        return String(decoding: result, as: UTF8.self)
    }

    private static func isSecret(_ run: [UInt8]) -> Bool {
        run.count >= secretByteCount && run.contains(where: capitals.contains)
            && run.contains(where: smalls.contains)
    }

    private static func isOfAlphabet(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: capitals.contains(byte) || smalls.contains(byte)
        }
    }

    private static let capitals = UInt8(ascii: "A")...UInt8(ascii: "Z")
    private static let smalls = UInt8(ascii: "a")...UInt8(ascii: "z")
    /// Of `ControlPlane.Secret`: 256 bits in base64.
    private static let secretByteCount = 43
}
