/// What the `env` of a create says: names and values, and among them options as `docker run` takes them, in
/// upstream's two spellings (contract 4).
///
/// An object has `"FOO": "bar"`, `"-p 8080:8080": "1"` and `"-h": "box"`; a text has `-e FOO=bar -p 8080:8080`.
package struct ContainerOptions: Sendable, Hashable {
    package struct Port: Sendable, Hashable {
        /// From 70,000 on: any port that is the same inside and outside, told to the container by this number.
        package var number: Int
        /// `tcp` or `udp`.
        package var transport: String
        package init(number: Int, transport: String) {
            self.number = number
            self.transport = transport
        }
    }

    package struct Volume: Sendable, Hashable {
        package var name: String
        package var path: String
        package init(name: String, path: String) {
            self.name = name
            self.path = path
        }
    }

    /// An option that nobody can give, and why.
    package struct Unusable: Error, Sendable, Hashable {
        package var message: String
    }

    /// Pairs of name and value, by name for an object, in its order for a text.
    package var environment: [[String]] = []
    package var ports: [Port] = []
    package var volumes: [Volume] = []
    package var hostname: String?

    package init() {}

    /// - Throws: ``Unusable`` in a sentence for the one who wrote it.
    package init(_ value: JSONValue?) throws(Unusable) {
        switch value {
        case nil, .null?: break
        case .string(let text)?: try read(text)
        case .object(let object)?:
            for (key, value) in object.sorted(by: { $0.key < $1.key }) {
                guard key.hasPrefix("-") else {
                    try add(name: key, value: try Self.text(value, of: key))
                    continue
                }
                let words = key.split(separator: " ", omittingEmptySubsequences: true)
                switch words.count {
                case 1: try add(option: String(words[0]), try Self.text(value, of: key))
                case 2: try add(option: String(words[0]), String(words[1]))
                default: throw Unusable(message: "\(key): an option and one word are expected.")
                }
            }
        default: throw Unusable(message: "env is an object, or a text of options.")
        }
        try checkSize()
    }

    func checkSize() throws(Unusable) {
        guard ports.count <= Self.maximumPortCount else {
            throw Unusable(message: "-p: at most \(Self.maximumPortCount) ports are mapped.")
        }
        guard volumes.count <= Self.maximumVolumeCount else {
            throw Unusable(message: "-v: at most \(Self.maximumVolumeCount) volumes are mounted.")
        }
        let byteCount = environment.reduce(0) { $0 + $1[0].utf8.count + $1[1].utf8.count }
        guard byteCount <= Self.maximumByteCount else {
            throw Unusable(message: "env has more than \(Self.maximumByteCount) bytes.")
        }
    }

    private mutating func read(_ text: String) throws(Unusable) {
        var words = try Self.words(text)[...]
        while let option = words.popFirst() {
            guard option.hasPrefix("-"), let word = words.popFirst() else {
                throw Unusable(message: "env: \(option) is no option with a word behind it.")
            }
            try add(option: option, word)
        }
    }

    private mutating func add(option: String, _ word: String) throws(Unusable) {
        switch option {
        case "-e", "--env":
            guard let equals = word.firstIndex(of: "=") else {
                throw Unusable(message: "-e \(word): NAME=VALUE is expected.")
            }
            try add(
                name: String(word[..<equals]), value: String(word[word.index(after: equals)...]))
        case "-p", "--publish":
            let port = try Self.port(word)
            if !ports.contains(port) { ports.append(port) }
            try checkSize()
        case "-v", "--volume":
            let volume = try Self.volume(word)
            guard !volumes.contains(where: { $0.path == volume.path && $0 != volume }) else {
                throw Unusable(message: "-v \(word): another volume is mounted there.")
            }
            if !volumes.contains(volume) { volumes.append(volume) }
            try checkSize()
        case "-h", "--hostname":
            let isPlain = word.utf8.allSatisfy { Self.isNameByte($0) && $0 != UInt8(ascii: "_") }
            guard (1...63).contains(word.utf8.count), isPlain else {
                throw Unusable(
                    message: "-h \(word): letters, digits, dots and dashes are a host name.")
            }
            hostname = word
        default:
            throw Unusable(
                message: "\(option) \(word): Boathook takes -e, -p, -v and -h, and no other option."
            )
        }
    }

    private mutating func add(name: String, value: String) throws(Unusable) {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first),
            name.utf8.allSatisfy({ Self.isNameByte($0) }), name.utf8.count <= 256
        else {
            throw Unusable(message: "\(name) is no name of an environment variable.")
        }
        guard !value.utf8.contains(0) else {
            throw Unusable(message: "\(name) has a NUL byte.")
        }
        environment.append([name, value])
    }

    private static func text(_ value: JSONValue, of name: String) throws(Unusable) -> String {
        switch value {
        case .string(let text): return text
        case .int(let number): return String(number)
        case .double(let number): return String(number)
        case .bool(let flag): return flag ? "true" : "false"
        default: throw Unusable(message: "\(name) is to be a text.")
        }
    }

    /// `HOST:CONTAINER[/udp]`, or `CONTAINER[/udp]`: the machine chooses its own port, so the first is not looked at.
    private static func port(_ word: String) throws(Unusable) -> Port {
        let parts = word.split(separator: "/", omittingEmptySubsequences: false)
        let transport = parts.count == 2 ? String(parts[1]).lowercased() : "tcp"
        let numbers = (parts.first ?? "").split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, transport == "tcp" || transport == "udp",
            (1...2).contains(numbers.count), numbers.allSatisfy({ Int($0) != nil }),
            let number = numbers.last.flatMap({ Int($0) }),
            (1...65_535).contains(number) || (70_000...70_999).contains(number)
        else {
            throw Unusable(
                message:
                    "-p \(word): HOST:CONTAINER is expected, from 1 to 65535 or 70000 to 70999, with /udp or without."
            )
        }
        return Port(number: number, transport: transport)
    }

    /// `NAME:/PATH`: a named volume of the instance's own; never a folder of the machine.
    private static func volume(_ word: String) throws(Unusable) -> Volume {
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = parts[0].utf8.first else {
            throw Unusable(message: "-v \(word): NAME:/PATH is expected.")
        }
        guard first != UInt8(ascii: "/"), first != UInt8(ascii: ".") else {
            throw Unusable(
                message: "-v \(word): folders of the machine are nobody's to mount; name a volume.")
        }
        let path = parts[1]
        guard parts[0].utf8.allSatisfy({ isNameByte($0) }), parts[0].utf8.count <= 64,
            path.utf8.first == UInt8(ascii: "/"), path.utf8.count > 1,
            !path.split(separator: "/").contains("..")
        else {
            throw Unusable(message: "-v \(word): NAME:/PATH is expected.")
        }
        return Volume(name: String(parts[0]), path: String(path))
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
            UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// Words between blanks; quotes of both kinds keep blanks together, a backslash the next byte.
    package static func words(_ text: String) throws(Unusable) -> [String] {
        var words: [String] = []
        var word: [UInt8] = []
        var isOpen = false
        var quote: UInt8?
        var bytes = Array(text.utf8)[...]
        while let byte = bytes.popFirst() {
            switch (byte, quote) {
            case (UInt8(ascii: "\\"), nil), (UInt8(ascii: "\\"), UInt8(ascii: "\"")?):
                guard let next = bytes.popFirst() else {
                    throw Unusable(message: "A backslash stands at the end.")
                }
                word.append(next)
                isOpen = true
            case (_, let open?) where byte == open: quote = nil
            case (_, _?): word.append(byte)
            case (UInt8(ascii: "\""), nil), (UInt8(ascii: "'"), nil):
                quote = byte
                isOpen = true
            case (UInt8(ascii: " "), nil), (UInt8(ascii: "\t"), nil), (UInt8(ascii: "\n"), nil):
                if isOpen { words.append(String(decoding: word, as: UTF8.self)) }
                word = []
                isOpen = false
            default:
                word.append(byte)
                isOpen = true
            }
        }
        guard quote == nil else { throw Unusable(message: "A quote is not closed.") }
        if isOpen { words.append(String(decoding: word, as: UTF8.self)) }
        return words
    }

    package static let maximumByteCount = 32_768
    /// Each costs the machine a process or two of the engine's.
    package static let maximumPortCount = 64
    package static let maximumVolumeCount = 16
}
