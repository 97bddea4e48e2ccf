internal import ControlPlane
internal import VastAPI

/// Templates as rows of the wire (contract 10).
enum TemplateRows {
    /// - Parameters:
    ///   - template: The template.
    ///   - viewer: Who sees the row; others than its maker do not see a readme that is hidden.
    /// - Returns: Every column.
    static func row(_ template: Template, for viewer: Account.ID) -> [String: JSONValue] {
        let content = template.content
        let showsReadme = content.isReadmeVisible || template.accountID == viewer
        return [
            "id": .int(template.id),
            "hash_id": .string(template.hashID),
            "creator_id": .int(template.accountID),
            "name": .string(content.name),
            "image": .string(content.image),
            "tag": .optional(content.tag),
            "default_tag": .optional(content.tag),
            "href": .optional(content.href),
            "repo": .optional(content.repo),
            "env": .optional(content.env),
            "onstart": .optional(content.onstart),
            "jup_direct": .bool(content.hasDirectJupyter),
            "ssh_direct": .bool(content.hasDirectSSH),
            "use_jupyter_lab": .bool(content.usesJupyterLab),
            "runtype": .optional(content.runtype),
            "use_ssh": .bool(content.usesSSH),
            "jupyter_dir": .optional(content.jupyterFolder),
            "docker_login_repo": .optional(content.loginRepository),
            // Boathook's own: that there is a login, which nobody is shown.
            "has_image_login": .bool(content.login != nil),
            "extra_filters": .object(content.filters),
            "recommended_disk_space": .optional(content.recommendedDiskGB),
            "readme": showsReadme ? .optional(content.readme) : .null,
            "readme_visible": .bool(content.isReadmeVisible),
            "desc": .optional(content.text),
            "private": .bool(template.isPrivate),
            "created_at": .double(template.createdAt),
            "count_created": .int(template.instanceCount),
            "recent_create_date": .optional(template.usedAt),
            "recommended": .bool(false),
        ]
    }
}

/// What the query of `GET /api/v0/template/` asks for: JSON in its parameters, as the official clients send it.
struct TemplateQuery {
    private var columns: [String]?
    private var filters: [String: [String: JSONValue]] = [:]

    /// - Throws: `WireError` 400.
    init(_ parameters: QueryParameters) throws {
        if let text = parameters["select_cols"] {
            let names: [String] = try InstanceQuery.decode(text, "select_cols")
            if !names.contains("*") { columns = names }
        }
        if let text = parameters["select_filters"] {
            filters = try InstanceQuery.decode(text, "select_filters")
        }
    }

    /// The rows that are asked for, with what is asked of them.
    ///
    /// - Throws: `WireError` 400 for a column or an operator that is none.
    func found(in rows: [[String: JSONValue]]) throws -> [[String: JSONValue]] {
        for (name, conditions) in filters {
            guard Self.names.contains(name) else {
                throw WireError.badRequest("invalid_request", "Templates have no \(name).")
            }
            // Also when there is no row: what means nothing is said in any case.
            for (operation, operand) in conditions {
                _ = try RowCondition.holds(.null, operation, operand)
            }
        }
        return try rows.filter(matches).map { row in
            guard let columns else { return row }
            return Dictionary(columns.map { ($0, row[$0] ?? .null) }) { first, _ in first }
        }
    }

    private func matches(_ row: [String: JSONValue]) throws -> Bool {
        for (name, conditions) in filters {
            for (operation, operand) in conditions {
                // The official clients say null for those that are everybody's.
                let wanted = name == "private" && operand == .null ? .bool(false) : operand
                guard
                    try RowCondition.holds(
                        Self.spaced(row[name] ?? .null), operation, Self.spaced(wanted))
                else { return false }
            }
        }
        return true
    }

    /// The command line writes a blank for each `_` of a filter's value, in names of images, too.
    private static func spaced(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(String(text.map { $0 == "_" ? " " : $0 }))
        case .array(let values): .array(values.map(spaced))
        default: value
        }
    }

    /// Those that can be filtered by: every column but the one that is an object.
    private static let names: Set<String> = [
        "id", "hash_id", "creator_id", "name", "image", "tag", "default_tag", "href", "repo", "env",
        "onstart", "jup_direct", "ssh_direct", "use_jupyter_lab", "runtype", "use_ssh",
        "jupyter_dir", "docker_login_repo", "has_image_login", "recommended_disk_space", "readme",
        "readme_visible", "desc", "private", "created_at", "count_created", "recent_create_date",
        "recommended",
    ]
}
