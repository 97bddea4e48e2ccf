import CommandPolicy
import FoundationEssentials
import PolicyDocuments

/// Which policy is meant: a shipped one by its name, or a document by its path.
struct PolicyChoice: Sendable, Hashable {
    let text: String

    init(_ text: String) {
        self.text = text
    }

    /// - Throws: ``PolicyError`` when there is none of that name and no file, or the file is no policy.
    func policy() throws(PolicyError) -> Policy {
        if let shipped = Policy.shipped.first(where: { $0.name == text }) { return shipped }
        let names = Policy.shipped.map(\.name).joined(separator: ", ")
        guard let data = FileManager.default.contents(atPath: text) else {
            throw PolicyError(
                "\(text): there is no such file, and no policy of that name (\(names))")
        }
        guard let yaml = String(validating: data, as: UTF8.self) else {
            throw PolicyError("\(text): is no UTF-8")
        }
        do throws(PolicyProblems) {
            return try PolicyDocument.policy(yaml, known: Policy.shipped)
        } catch {
            throw PolicyError(
                error.problems.map { "\(text):" + ($0.line > 0 ? "" : " ") + "\($0)" }
                    .joined(separator: "\n"))
        }
    }
}

/// A policy that cannot be had; a line for each thing that is wrong, `FILE:LINE:COLUMN: message` where it can.
struct PolicyError: Error, Sendable, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
