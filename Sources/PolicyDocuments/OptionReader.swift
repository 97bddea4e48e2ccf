internal import CommandPolicy
internal import Yams

/// Reads options and predicates, and what their values may be.
struct OptionReader {
    let problems: ProblemList

    /// One entry of `options`: letters, or one option by all its names.
    func options(_ node: Node) -> [OptionRule] {
        guard
            let fields = Fields(
                node, "an option", known: ["letters", "names", "value", "refuse"],
                problems: problems)
        else { return [] }
        if let letters = fields.string("letters") {
            if fields.has("names") || fields.has("value") || fields.has("refuse") {
                problems.add("'letters' stands alone", at: node)
            }
            return letters.utf8.map { letter in
                if !Self.isLetter(letter) {
                    problems.add("letters are ASCII letters and digits", at: node)
                }
                return OptionRule(short: letter)
            }
        }
        guard fields.required("names") != nil, let names = fields.strings("names"), !names.isEmpty
        else { return [] }
        let (value, attachment) = fields.node("value").map(self.value) ?? (nil, .none)
        let argument = value == nil ? OptionRule.Argument.none : attachment
        let shorts = names.filter { !$0.utf8.starts(with: "--".utf8) }
        let longs = names.filter { $0.utf8.starts(with: "--".utf8) }
        var rules: [OptionRule] = []
        for index in 0..<max(shorts.count, longs.count) {
            rules.append(
                OptionRule(
                    short: index < shorts.count ? short(shorts[index], node) : nil,
                    long: index < longs.count ? long(longs[index], node) : nil,
                    argument: argument, value: value ?? .text(maximumByteCount: 0),
                    refusal: fields.string("refuse")))
        }
        return rules
    }

    /// One entry of `predicates`, one rule for each of its names.
    func predicates(_ node: Node) -> [PredicateRule] {
        guard
            let fields = Fields(
                node, "a predicate", known: ["names", "values", "refuse"], problems: problems),
            fields.required("names") != nil
        else { return [] }
        let values = (fields.list("values") ?? []).compactMap { value($0).check }
        return (fields.strings("names") ?? []).map { name in
            PredicateRule(name: name, values: values, refusal: fields.string("refuse"))
        }
    }

    private func short(_ name: String, _ node: Node) -> UInt8? {
        let bytes = Array(name.utf8)
        guard bytes.count == 2, bytes[0] == UInt8(ascii: "-"), Self.isLetter(bytes[1]) else {
            problems.add(
                "'\(name)' is no option: it is a dash and a letter, or two dashes and a name",
                at: node)
            return nil
        }
        return bytes[1]
    }

    private func long(_ name: String, _ node: Node) -> String? {
        let rest = name.utf8.dropFirst(2)
        guard !rest.isEmpty, !rest.contains(UInt8(ascii: "=")) else {
            problems.add("'\(name)' is no long option", at: node)
            return nil
        }
        return String(Substring(rest))
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    // MARK: - Values

    /// What a value may be, and how it is attached.
    private func value(_ node: Node) -> (check: ValueCheck?, attachment: OptionRule.Argument) {
        if case .scalar(let scalar) = node {
            switch scalar.string {
            case "block_size": return (.blockSize, .required)
            case "threshold": return (.threshold, .required)
            default:
                problems.add("there is no kind of value '\(scalar.string)'", at: node)
                return (nil, .required)
            }
        }
        let kinds = ["text", "words", "integer", "characters", "time_style"]
        guard
            let fields = Fields(
                node, "a value", known: kinds + ["optional", "separate", "at_most"],
                problems: problems)
        else { return (nil, .required) }
        guard kinds.filter(fields.has).count == 1 else {
            problems.add(
                "a value is one of: block_size, threshold, " + kinds.joined(separator: ", "),
                at: node)
            return (nil, .required)
        }
        if fields.has("at_most") != fields.has("characters") {
            problems.add("'characters' and 'at_most' belong together", at: node)
        }
        let isOptional = fields.flag("optional") ?? false,
            isSeparate = fields.flag("separate") ?? false
        if isOptional && isSeparate {
            problems.add("what may be left out is attached, and no word of its own", at: node)
        }
        return (check(fields), isOptional ? .optional : isSeparate ? .separate : .required)
    }

    private func check(_ fields: Fields) -> ValueCheck? {
        if let limit = fields.integer("text", in: 0...2048) {
            return .text(maximumByteCount: limit)
        }
        if let words = fields.strings("words") { return .word(words) }
        if let words = fields.strings("time_style") { return .timeStyle(words) }
        if let characters = fields.string("characters"),
            let limit = fields.integer("at_most", in: 1...2048)
        {
            guard characters.utf8.allSatisfy({ (0x20...0x7E).contains($0) }), !characters.isEmpty
            else {
                problems.add("'characters' are printable ASCII", at: fields.node)
                return nil
            }
            return .characters(characters, maximumByteCount: limit)
        }
        if let bounds = fields.list("integer") {
            let values = bounds.compactMap {
                Fields.integer($0, "integer", in: 0...Int(Int64.max), problems)
            }
            guard values.count == 2, values[0] <= values[1] else {
                problems.add("'integer' has a lower and an upper bound", at: fields.node)
                return nil
            }
            return .integer(values[0]...values[1])
        }
        return nil
    }
}
