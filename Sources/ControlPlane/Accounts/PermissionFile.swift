internal import FoundationEssentials

/// What somebody wants a new key to be: a permission file and its parameters.
package struct PermissionFile: Sendable, Hashable {
    package var scope: KeyScope
    /// After how many days the key ends; nil for never.
    package var expiresDays: Int?

    /// Reads `{"api": {…}, …, "expires_days": 7}`.
    ///
    /// - Parameters:
    ///   - json: The file; its caller has seen that it means one thing.
    ///   - parameters: Ids for the wildcards in it.
    /// - Throws: ``InvalidPermissions``.
    package init(json: some Sequence<UInt8>, parameters: [String: Int64]) throws(InvalidPermissions)
    {
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(json))
        } catch let error as InvalidPermissions {
            throw error
        } catch let error as DecodingError {
            throw InvalidPermissions(error)
        } catch {
            throw InvalidPermissions("Not readable as permissions.")
        }
        scope = document.scope
        expiresDays = document.expiresDays
        guard let permissions = scope.permissions else {
            throw InvalidPermissions(
                "Permissions have the key api, with the categories that are granted.")
        }
        scope.permissions = try permissions.filled(with: parameters)
    }

    /// The most that can be asked for: ten years.
    package static let maximumDays = 3650

    private struct Document: Decodable {
        var scope: KeyScope
        var expiresDays: Int?

        private enum CodingKeys: String, CodingKey {
            case expiresDays = "expires_days"
        }

        init(from decoder: any Decoder) throws {
            scope = try KeyScope(from: decoder, besides: [CodingKeys.expiresDays.rawValue])
            let object = try decoder.container(keyedBy: CodingKeys.self)
            expiresDays = try object.decodeIfPresent(Int.self, forKey: .expiresDays)
            guard (1...maximumDays).contains(expiresDays ?? 1) else {
                throw InvalidPermissions("expires_days is a whole number from 1 to \(maximumDays).")
            }
        }
    }
}

extension InvalidPermissions {
    fileprivate init(_ error: DecodingError) {
        let context =
            switch error {
            case .typeMismatch(_, let context), .valueNotFound(_, let context),
                .keyNotFound(_, let context), .dataCorrupted(let context):
                context
            @unknown default: DecodingError.Context(codingPath: [], debugDescription: "")
            }
        let path = context.codingPath.map { key in
            key.intValue.map(String.init) ?? key.stringValue
        }
        self.init(
            path.isEmpty
                ? "Permissions are a JSON object."
                : "\(path.joined(separator: " → ")) has a value of the wrong kind.")
    }
}
