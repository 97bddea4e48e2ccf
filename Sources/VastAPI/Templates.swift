/// The body of `POST` and `PUT /api/v0/template/`, `PUT /api/v1/template/` and `DELETE /api/v0/template/` (contract 10).
///
/// Every field is an open value, because a wrong type must become a message; clients send many as null.
package struct TemplateRequest: Sendable, Hashable, Codable {
    /// Which one, of a change.
    package var id: JSONValue?
    package var hashID: JSONValue?
    /// Which one, of a deletion.
    package var templateID: JSONValue?
    package var name: JSONValue?
    package var image: JSONValue?
    package var tag: JSONValue?
    package var href: JSONValue?
    package var repo: JSONValue?
    package var env: JSONValue?
    package var onstart: JSONValue?
    package var jupDirect: JSONValue?
    package var sshDirect: JSONValue?
    package var useJupyterLab: JSONValue?
    package var runtype: JSONValue?
    package var useSSH: JSONValue?
    package var jupyterDir: JSONValue?
    package var dockerLoginRepo: JSONValue?
    /// Boathook's own: as the one of a create.
    package var imageLogin: JSONValue?
    package var extraFilters: JSONValue?
    /// In GB; the command line sends it as a text.
    package var recommendedDiskSpace: JSONValue?
    package var readme: JSONValue?
    package var readmeVisible: JSONValue?
    package var desc: JSONValue?
    package var isPrivate: JSONValue?

    enum CodingKeys: String, CodingKey {
        case id, name, image, tag, href, repo, env, onstart, runtype, readme, desc
        case hashID = "hash_id"
        case templateID = "template_id"
        case jupDirect = "jup_direct"
        case sshDirect = "ssh_direct"
        case useJupyterLab = "use_jupyter_lab"
        case useSSH = "use_ssh"
        case jupyterDir = "jupyter_dir"
        case dockerLoginRepo = "docker_login_repo"
        case imageLogin = "image_login"
        case extraFilters = "extra_filters"
        case recommendedDiskSpace = "recommended_disk_space"
        case readmeVisible = "readme_visible"
        case isPrivate = "private"
    }

    package init() {}
}

/// The 200 of `POST` and `PUT`.
package struct TemplateReply: Sendable, Hashable, Codable {
    package struct Kept: Sendable, Hashable, Codable {
        package var id: Int64
        /// Of this version: each change gives another.
        package var hashID: String
        package var name: String

        enum CodingKeys: String, CodingKey {
            case id, name
            case hashID = "hash_id"
        }

        package init(id: Int64, hashID: String, name: String) {
            self.id = id
            self.hashID = hashID
            self.name = name
        }
    }

    package var success: Bool
    package var msg: String
    package var template: Kept

    package init(msg: String, template: Kept) {
        success = true
        self.msg = msg
        self.template = template
    }
}

/// The answer of a search for templates: when there is none, upstream's 200 that says so.
package struct TemplatesReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var msg: String?
    package var templatesFound: Int
    package var templates: [[String: JSONValue]]

    enum CodingKeys: String, CodingKey {
        case success, msg, templates
        case templatesFound = "templates_found"
    }

    package init(templates: [[String: JSONValue]]) {
        success = !templates.isEmpty
        msg = templates.isEmpty ? "No templates found" : nil
        templatesFound = templates.count
        self.templates = templates
    }
}
