internal import Crypto
internal import FoundationEssentials

/// A public key as a line of `authorized_keys` has it: its type, the key itself, and a comment
/// (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
package struct SSHPublicKey: Sendable, Hashable {
    /// Such as `ssh-ed25519`.
    package let type: String
    /// The key in base64, which holds its type again (RFC 4253, section 6.6).
    package let encoded: String
    /// What its owner wrote behind it; may be empty.
    package let comment: String

    /// A key as the store kept it.
    package init(type: String, encoded: String, comment: String) {
        self.type = type
        self.encoded = encoded
        self.comment = comment
    }

    /// Reads what a caller sent.
    ///
    /// - Parameter text: The text of a `.pub` file.
    /// - Throws: ``InvalidSSHKey``, whose sentence never repeats what was sent: it may be a private key.
    package init(text: String) throws(InvalidSSHKey) {
        let bytes = Self.trimmed(text.utf8)
        guard bytes.count <= Self.maximumByteCount else {
            throw InvalidSSHKey("A public key has at most \(Self.maximumByteCount) bytes.")
        }
        guard !bytes.isEmpty else { throw InvalidSSHKey("The public key is empty.") }
        guard !Self.isPrivate(text) else { throw .isPrivate }
        guard !bytes.contains(where: { $0 == Self.newline || $0 == Self.carriageReturn }) else {
            throw InvalidSSHKey("A public key is one line; send one key at a time.")
        }
        let fields = bytes.split(maxSplits: 2, whereSeparator: Self.isBlank)
        let type = String(decoding: fields[0], as: UTF8.self)
        guard let form = Form(rawValue: type) else { throw Self.objection(to: text, fields) }
        guard fields.count > 1 else { throw InvalidSSHKey("Behind its type, the key is missing.") }
        let encoded = String(decoding: fields[1], as: UTF8.self)
        // Written anew, it must be the same: else one key could be sent in several spellings.
        guard let blob = Data(base64Encoded: encoded), blob.base64EncodedString() == encoded else {
            throw InvalidSSHKey("The key behind its type is no whole base64; was it cut?")
        }
        try form.check(Array(blob))
        let comment = Self.trimmed(fields.count > 2 ? fields[2] : [])
        self.init(
            type: type, encoded: encoded, comment: String(decoding: comment, as: UTF8.self))
        try checkComment()
    }

    /// The line of `authorized_keys`, without its end.
    package var line: String {
        comment.isEmpty ? "\(type) \(encoded)" : "\(type) \(encoded) \(comment)"
    }

    /// How `ssh-keygen -l` names it.
    package var fingerprint: String {
        let digest = SHA256.hash(data: Data(base64Encoded: encoded) ?? Data())
        let text = Data(digest).base64EncodedString()
        return "SHA256:" + text.prefix { $0 != "=" }
    }

    private func checkComment() throws(InvalidSSHKey) {
        let isPlain = comment.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: false
            default: true
            }
        }
        guard isPlain, comment.utf8.count <= Self.maximumCommentByteCount else {
            throw InvalidSSHKey(
                "The comment has at most \(Self.maximumCommentByteCount) bytes and no control characters."
            )
        }
    }

    /// Above the longest line that an RSA key of 16,384 bits makes.
    private static let maximumByteCount = 8192
    private static let maximumCommentByteCount = 256
}

/// Why a text is no public key that can be kept.
package struct InvalidSSHKey: Error, Sendable, Hashable, CustomStringConvertible {
    /// For the person who sent it.
    package var description: String

    init(_ description: String) {
        self.description = description
    }

    static let isPrivate = InvalidSSHKey(
        "That looks like a private key. Keep it to yourself, and send the public one: the text of the .pub file."
    )
}

// What else people send.
extension SSHPublicKey {
    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    private static func trimmed(_ bytes: some BidirectionalCollection<UInt8>) -> [UInt8] {
        func isEdge(_ byte: UInt8) -> Bool {
            isBlank(byte) || byte == newline || byte == carriageReturn
        }
        let rest = Array(bytes.drop(while: isEdge))
        let end = rest.lastIndex { !isEdge($0) }
        return end.map { Array(rest[...$0]) } ?? []
    }

    private static func isPrivate(_ text: String) -> Bool {
        text.contains("PRIVATE KEY") || text.contains("PuTTY-User-Key-File")
            || text.contains("Private-Lines")
    }

    /// What to say of a text that begins with no type of key.
    private static func objection(to text: String, _ fields: [ArraySlice<UInt8>]) -> InvalidSSHKey {
        let first = String(decoding: fields[0], as: UTF8.self)
        let others = fields.dropFirst().flatMap { $0.split(whereSeparator: isBlank) }
        if others.contains(where: { Form(rawValue: String(decoding: $0, as: UTF8.self)) != nil }) {
            return InvalidSSHKey(
                "Options in front of a key's type are not taken: send the key alone.")
        }
        // What all keys begin with in base64: three bytes of the length of their type.
        if first.hasPrefix("AAAA") {
            return InvalidSSHKey("The key's type, such as ssh-ed25519, is missing in front of it.")
        }
        let isPath =
            ["/", "~", ".", "$", "id_"].contains { first.hasPrefix($0) }
            || first.contains("\\") || first.contains("/") || first.hasSuffix(".pub")
        if isPath {
            return InvalidSSHKey(
                "That looks like a path; pass the key's text, such as \"$(cat ~/.ssh/id_ed25519.pub)\"."
            )
        }
        let known = Form.allCases.map(\.rawValue).joined(separator: ", ")
        return InvalidSSHKey("That is no public key of a type that is taken: \(known).")
    }
}
