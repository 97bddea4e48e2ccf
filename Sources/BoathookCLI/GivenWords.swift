internal import Glibc

/// The words with which this program was called.
enum GivenWords {
    /// All but the program's own name, if each is one that may be said and shown.
    ///
    /// - Throws: ``ClientError`` for a word that is not UTF-8: it would be repaired, and what it then names may be another
    ///   file.
    static func checked(
        _ pointers: some Sequence<UnsafeMutablePointer<CChar>?>
    ) throws(ClientError) -> [String] {
        var words: [String] = []
        for case let pointer? in pointers.dropFirst() {
            // A complaint about a word shows it.
            guard !PrivateKey.isOne(String(cString: pointer)) else {
                throw ClientError(PrivateKey.complaint, exitCode: 64)
            }
            guard let word = String(validatingCString: pointer) else {
                let bytes = Array(UnsafeRawBufferPointer(start: pointer, count: strlen(pointer)))
                let shown = String(decoding: TerminalText.escaped(bytes), as: UTF8.self)
                throw ClientError(
                    """
                    argument \(words.count + 1) is not UTF-8: \(shown)
                    A file of such a name cannot be named, but the folder that it is in can.
                    """, exitCode: 64)
            }
            words.append(word)
        }
        return words
    }
}
