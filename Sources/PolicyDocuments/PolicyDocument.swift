package import CommandPolicy
internal import Yams

/// A policy as YAML: the schema of docs/policy.md.
package enum PolicyDocument {
    /// The version of the schema, as the key `boathook_policy` says it.
    package static let version = 1
    /// Larger documents are refused unread.
    package static let maximumByteCount = 1 << 20

    /// Reads a document.
    ///
    /// - Parameters:
    ///   - yaml: The document.
    ///   - known: The policies that `extends` and `use` may name, by name.
    /// - Returns: The policy, with the rules that it takes over before its own.
    /// - Throws: ``PolicyProblems``: everything that is wrong with it, in the order of the lines.
    package static func policy(
        _ yaml: String, known: [Policy]
    ) throws(PolicyProblems) -> Policy {
        guard yaml.utf8.count <= maximumByteCount else {
            throw PolicyProblems([.init("the document has more than \(maximumByteCount) bytes")])
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            throw PolicyProblems([PolicyProblem(error)])
        }
        guard let root else { throw PolicyProblems([.init("the document is empty")]) }
        let problems = ProblemList()
        let reader = PolicyReader(problems: problems, known: known)
        let policy = reader.policy(root)
        guard problems.isEmpty, let policy else { throw PolicyProblems(problems.sorted) }
        return policy
    }
}

/// One thing that is wrong with a document.
package struct PolicyProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// From 1; 0 where none is to blame.
    package var line: Int
    package var column: Int
    package var message: String

    package init(_ message: String, line: Int = 0, column: Int = 0) {
        self.message = message
        self.line = line
        self.column = column
    }

    /// `LINE:COLUMN: message`, as compilers say it.
    package var description: String { line > 0 ? "\(line):\(column): \(message)" : message }
}

/// All that is wrong with a document; at least one thing.
package struct PolicyProblems: Error, Sendable, CustomStringConvertible {
    package let problems: [PolicyProblem]

    init(_ problems: [PolicyProblem]) {
        self.problems = problems
    }

    package var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}

extension PolicyProblem {
    /// What the parser says: about the text, not about its meaning.
    fileprivate init(_ error: any Error) {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _),
            YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _):
            self.init(problem, line: mark.line, column: mark.column)
        case let YamlError.duplicatedKeysInMapping(duplicates, context):
            self.init(
                "the key \(duplicates.first ?? "") is given twice", line: context.mark.line,
                column: context.mark.column)
        default:
            self.init("\(error)")
        }
    }
}

/// Collects what is wrong while a document is read to its end.
final class ProblemList {
    private var problems: [PolicyProblem] = []

    var isEmpty: Bool { problems.isEmpty }

    var sorted: [PolicyProblem] {
        problems.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
    }

    func add(_ message: String, at node: Node) {
        problems.append(
            PolicyProblem(message, line: node.mark?.line ?? 0, column: node.mark?.column ?? 0))
    }
}
