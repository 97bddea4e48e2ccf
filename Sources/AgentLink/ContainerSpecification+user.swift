extension ContainerSpecification {
    /// Whether a text names a user, and a group behind a colon or none, as images have them in their `passwd` and `group`.
    ///
    /// A name has at most 32 characters and does not begin with a digit (useradd(8)); a number has 31 bits, which is as
    /// much as engines take.
    package static func isUser(_ text: String) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count <= 2 && parts.allSatisfy(isName)
    }

    private static func isName(_ text: Substring) -> Bool {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let first = text.utf8.first, text.utf8.count <= 32 else { return false }
        if digits.contains(first) {
            return text.utf8.allSatisfy(digits.contains) && Int32(text) != nil
        }
        return first != UInt8(ascii: "-") && first != UInt8(ascii: ".")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    digits, UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}
