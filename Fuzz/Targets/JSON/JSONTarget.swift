internal import FoundationEssentials
internal import FuzzReference
internal import FuzzSupport
internal import VastAPI

/// A request's body: taken exactly when the reference takes it; and what is taken means one thing.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzJSON(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let body = UnsafeBufferPointer(start: bytes, count: count)
    let reference = json_read(bytes, count)
    let isTaken = StrictJSON.isUnambiguous(body)
    if isTaken {
        require(reference.is_unambiguous, "taken, and the reference refuses it")
        checkMeaning(Data(body), reference)
    } else if reference.is_unambiguous {
        require(
            reference.has_foreign_name && hasEquivalentNames(Data(body), reference),
            "refused, and the reference takes it")
    }
    return 0
}

/// Whether two names are one to who decodes them, though their bytes differ: Unicode's canonical equivalence,
/// of which the reference knows nothing.
private func hasEquivalentNames(_ body: Data, _ reference: json_reading) -> Bool {
    guard let value = try? JSONDecoder().decode(JSONValue.self, from: body) else { return true }
    return value.counts.members < reference.member_count
}

/// What the body says survives being written down and read again.
private func checkMeaning(_ body: Data, _ reference: json_reading) {
    guard let value = try? JSONDecoder().decode(JSONValue.self, from: body) else {
        require(
            reference.has_extreme_number || reference.has_lone_surrogate,
            "taken as unambiguous JSON, and the decoder takes it for none")
        return
    }
    let counts = value.counts
    require(
        counts.elements == reference.element_count,
        "\(reference.element_count) elements are \(counts.elements) when decoded")
    require(
        counts.members == reference.member_count,
        "\(reference.member_count) members are \(counts.members) when decoded: two names became one"
    )
    do {
        let written = try encode(value)
        require(StrictJSON.isUnambiguous(written), "what we write is ambiguous")
        let again = try JSONDecoder().decode(JSONValue.self, from: written)
        require(again.means(value), "what we write is read as something else")
    } catch {
        finding("what was read cannot be written or read again: \(error)")
    }
    guard value.object != nil else { return }
    if let request = try? JSONDecoder().decode(ExecuteRequest.self, from: body) {
        checkCommand(of: request, value)
    }
    _ = try? JSONDecoder().decode(CreateKeyRequest.self, from: body)
}

/// The command that is run is the one that stands under its name, and no other.
private func checkCommand(of request: ExecuteRequest, _ value: JSONValue) {
    let exact = value.object?.first { $0.key.isSameBytes(as: "command") }?.value
    let command = request.command?.string
    guard let command else { return }
    require(
        exact?.string?.isSameBytes(as: command) ?? false,
        "the command is not what stands under \"command\"")
}

private func encode(_ value: JSONValue) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
}

extension JSONValue {
    /// Whether both are the same, strings byte for byte and numbers by their value: `1e18` may come back as an
    /// integer.
    fileprivate func means(_ other: JSONValue) -> Bool {
        switch (self, other) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.int(let left), .int(let right)): left == right
        case (.string(let left), .string(let right)): left.isSameBytes(as: right)
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.means($1) }
        case (.object(let left), .object(let right)):
            left.count == right.count
                && left.allSatisfy { name, value in right[name].map(value.means) ?? false }
        default:
            // One integer and one fraction, or two fractions.
            double != nil && double == other.double
        }
    }

    private var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// All members of objects and elements of arrays in it.
    fileprivate var counts: (members: Int, elements: Int) {
        let inner: [JSONValue]
        var counts = (members: 0, elements: 0)
        switch self {
        case .object(let members):
            inner = Array(members.values)
            counts.members = members.count
        case .array(let elements):
            inner = elements
            counts.elements = elements.count
        default: return counts
        }
        for value in inner {
            let more = value.counts
            counts.members += more.members
            counts.elements += more.elements
        }
        return counts
    }
}
