internal import Crypto

extension SSHPublicKey {
    /// A type of key, by the name that its text begins with.
    enum Form: String, CaseIterable {
        case ed25519 = "ssh-ed25519"
        case rsa = "ssh-rsa"
        case p256 = "ecdsa-sha2-nistp256"
        case p384 = "ecdsa-sha2-nistp384"
        case p521 = "ecdsa-sha2-nistp521"
        case tokenEd25519 = "sk-ssh-ed25519@openssh.com"
        case tokenP256 = "sk-ecdsa-sha2-nistp256@openssh.com"

        /// Whether bytes are a whole key of this type, and nothing else.
        ///
        /// RFC 4253, section 6.6 (RSA); RFC 5656, section 3.1 (ECDSA); RFC 8709, section 4 (Ed25519); OpenSSH,
        /// PROTOCOL.u2f (keys on a token).
        func check(_ bytes: [UInt8]) throws(InvalidSSHKey) {
            var reader = Reader(rest: bytes[...])
            guard try reader.string().elementsEqual(rawValue.utf8) else {
                throw InvalidSSHKey("The key is of another type than the word in front of it says.")
            }
            switch self {
            case .ed25519:
                try check(ed25519: reader.string())
            case .rsa:
                try Self.checkRSA(&reader)
            case .p256, .p384, .p521:
                try check(curve: reader.string(), point: reader.string())
            case .tokenEd25519:
                try check(ed25519: reader.string())
                try Self.check(application: reader.string())
            case .tokenP256:
                try check(curve: reader.string(), point: reader.string())
                try Self.check(application: reader.string())
            }
            guard reader.rest.isEmpty else { throw .notWhole }
        }

        private func check(ed25519 key: ArraySlice<UInt8>) throws(InvalidSSHKey) {
            guard key.count == 32 else { throw .notWhole }
        }

        private func check(
            curve: ArraySlice<UInt8>, point: ArraySlice<UInt8>
        ) throws(InvalidSSHKey) {
            let (name, byteCount, isOnCurve): (String, Int, ([UInt8]) -> Bool) =
                switch self {
                case .p384:
                    (
                        "nistp384", 97,
                        { (try? P384.Signing.PublicKey(x963Representation: $0)) != nil }
                    )
                case .p521:
                    (
                        "nistp521", 133,
                        { (try? P521.Signing.PublicKey(x963Representation: $0)) != nil }
                    )
                default:
                    (
                        "nistp256", 65,
                        { (try? P256.Signing.PublicKey(x963Representation: $0)) != nil }
                    )
                }
            // OpenSSH takes uncompressed points alone.
            guard curve.elementsEqual(name.utf8), point.count == byteCount, point.first == 4,
                isOnCurve(Array(point))
            else { throw .notWhole }
        }

        private static func checkRSA(_ reader: inout Reader) throws(InvalidSSHKey) {
            let exponent = try reader.positiveNumber()
            let modulus = try reader.positiveNumber()
            let bitCount =
                modulus.count * 8 - (modulus.first?.leadingZeroBitCount ?? 0)
            guard exponent.elementsEqual([1]) == false, exponent.last.map({ $0 & 1 }) == 1,
                modulus.last.map({ $0 & 1 }) == 1
            else { throw .notWhole }
            guard (2048...16_384).contains(bitCount) else {
                throw InvalidSSHKey(
                    "An RSA key has 2048 to 16384 bits, and this one \(bitCount); ssh-keygen -t ed25519 makes a better one."
                )
            }
        }

        private static func check(application: ArraySlice<UInt8>) throws(InvalidSSHKey) {
            guard (1...255).contains(application.count),
                application.allSatisfy({ (0x21...0x7E).contains($0) })
            else { throw .notWhole }
        }
    }

    /// Takes the parts of a key one by one (RFC 4251, section 5).
    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func string() throws(InvalidSSHKey) -> ArraySlice<UInt8> {
            guard rest.count >= 4 else { throw .notWhole }
            let count = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard count <= rest.count else { throw .notWhole }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }

        /// The bytes of a number above zero, in its one spelling: without needless zeros.
        mutating func positiveNumber() throws(InvalidSSHKey) -> ArraySlice<UInt8> {
            let bytes = try string()
            guard let first = bytes.first, first < 0x80 else { throw .notWhole }
            guard first == 0 else { return bytes }
            let magnitude = bytes.dropFirst()
            guard let next = magnitude.first, next >= 0x80 else { throw .notWhole }
            return magnitude
        }
    }
}

extension InvalidSSHKey {
    fileprivate static let notWhole = InvalidSSHKey(
        "The key behind its type is not what a key of that type is; was it cut?")
}
