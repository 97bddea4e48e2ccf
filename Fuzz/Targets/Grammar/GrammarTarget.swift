internal import CommandPolicy
internal import FuzzReference
internal import FuzzSupport

/// A command's text: the server's reading, both of the agent's, and the reference's are one.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzGrammar(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // A request's text is a Swift string, so never anything but UTF-8; what is none is mended.
    var text = String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    let reference = read(&text)
    do throws(CommandError) {
        let command = try ParsedCommand.parse(text)
        require(reference.code == nil, "the server accepts what the reference refuses")
        compare(command, reference, "the server")
        checkAgent(command)
        SecondReadingCheck.check(&text, command)
    } catch {
        checkRefusal(error, of: text, reference)
        SecondReadingCheck.check(&text, nil)
    }
    return 0
}

private func read(_ text: inout String) -> grammar_reading {
    text.withUTF8 { grammar_read($0.baseAddress, $0.count).pointee }
}

/// The agent gets argv, and parses nothing; what it writes down must be the same words again.
private func checkAgent(_ command: ParsedCommand) {
    do throws(CommandError) {
        let received = try ParsedCommand.words(command.argv)
        require(
            sameWords(received, command), "the agent has other words than the server sent")
        var text = received.text
        let again = read(&text)
        if again.code.map({ String(cString: $0) }) == "too_long" { return }
        require(again.code == nil, "the agent writes down what the reference refuses")
        compare(received, again, "the agent")
        require(
            try ParsedCommand.parse(text) == received, "the agent's text is read to other words")
    } catch {
        finding("the agent refuses what the server accepted: \(error.code)")
    }
}

private func sameWords(_ left: ParsedCommand, _ right: ParsedCommand) -> Bool {
    left.words.count == right.words.count
        && zip(left.words, right.words).allSatisfy { $0.text.isSameBytes(as: $1.text) }
}

private func compare(_ command: ParsedCommand, _ reference: grammar_reading, _ reader: String) {
    require(
        command.words.count == reference.word_count,
        "\(reader) reads \(command.words.count) words, the reference \(reference.word_count)")
    for (index, word) in command.words.enumerated() {
        let expected = reference.words[index]
        require(
            word.text.isBytes(reference.bytes + Int(expected.start), Int(expected.length)),
            "\(reader) reads another word \(index) than the reference")
        require(
            word.offset == Int(expected.offset) && word.byteCount == Int(expected.byte_count),
            "\(reader) has word \(index) at \(word.offset)+\(word.byteCount), the reference at "
                + "\(expected.offset)+\(expected.byte_count)")
    }
}

private func checkRefusal(_ error: CommandError, of text: String, _ reference: grammar_reading) {
    guard let code = reference.code else {
        finding("the server refuses what the reference accepts: \(error.code)")
    }
    require(
        error.code.description.isCString(code),
        "the server says \(error.code), the reference \(String(cString: code))")
    require(
        (error.offset ?? -1) == reference.offset,
        "\(error.code): the server says byte \(error.offset ?? -1), the reference "
            + "\(reference.offset)")
    if reference.token_byte_count >= 0, let offset = error.offset {
        var text = text
        let isBlamed = text.withUTF8 {
            error.token?.isBytes($0.baseAddress.map { $0 + offset }, reference.token_byte_count)
        }
        require(
            isBlamed ?? false,
            "\(error.code): the server blames \(error.token ?? "nothing")")
    }
    // It is shown to people as it is.
    var message = error.message
    require(
        message.withUTF8 { $0.allSatisfy { $0 >= 0x20 && $0 != 0x7F } },
        "\(error.code): the message has a control byte")
}
