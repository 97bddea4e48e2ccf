/// The arguments of `rm` read once more, from its manual and a list of what is allowed.
///
/// Narrower than getopt_long(3): a long option is one of a few whole words, and no letter takes a value. Like
/// ``SecondReading`` it imports nothing.
package struct RemovalReading: Sendable {
    /// Allowed letters, such as `r`.
    package var letters: Set<UInt8> = []
    /// Allowed long options as whole words, such as `--preserve-root=all`.
    package var longWords: Set<[UInt8]> = []
    /// Those of ``letters`` and ``longWords`` with which there need be no operand.
    package var waivingLetters: Set<UInt8> = []
    package var waivingWords: Set<[UInt8]> = []
    package var minimumCount = 0
    /// nil for any number.
    package var maximumCount: Int?

    package init() {}

    /// What is wrong with a command that removes.
    package enum Objection: Error, Sendable, CustomStringConvertible {
        case noRemoval, unknownOption, tooFewOperands, tooManyOperands, forbiddenOperand

        /// Follows "the machine's second reading finds"; shows nothing of the command.
        package var description: String {
            switch self {
            case .noRemoval: "another program than rm"
            case .unknownOption: "an option that is not allowed"
            case .tooFewOperands: "too few operands"
            case .tooManyOperands: "too many operands"
            case .forbiddenOperand: "an operand that is empty, the root folder, or ends in . or .."
            }
        }
    }

    /// - Parameter words: A command.
    /// - Returns: What it names for removal, in order.
    /// - Throws: The first ``Objection``.
    package func operands(of words: [[UInt8]]) throws(Objection) -> [[UInt8]] {
        guard words.first == Array("rm".utf8) else { throw .noRemoval }
        let dash = UInt8(ascii: "-")
        var operands: [[UInt8]] = []
        var optionsAreOver = false
        var isWaived = false
        for word in words.dropFirst() {
            if optionsAreOver || word.first != dash || word.count == 1 {
                operands.append(word)
            } else if word == [dash, dash] {
                optionsAreOver = true
            } else if word[1] == dash {
                guard longWords.contains(word) else { throw .unknownOption }
                isWaived = isWaived || waivingWords.contains(word)
            } else {
                guard word.dropFirst().allSatisfy(letters.contains) else { throw .unknownOption }
                isWaived = isWaived || word.dropFirst().contains(where: waivingLetters.contains)
            }
        }
        guard operands.count >= minimumCount || isWaived else { throw .tooFewOperands }
        guard operands.count <= maximumCount ?? .max else { throw .tooManyOperands }
        guard operands.allSatisfy(Self.namesSomething) else { throw .forbiddenOperand }
        return operands
    }

    /// Whether a path has a last component, and that is a name.
    private static func namesSomething(_ path: [UInt8]) -> Bool {
        guard let last = path.split(separator: UInt8(ascii: "/")).last else { return false }
        return last != [UInt8(ascii: ".")] && last != Array("..".utf8)[...]
    }
}
