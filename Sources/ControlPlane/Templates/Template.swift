package import AgentLink

/// What instances are made from when their orders say no more than its name: an order by itself.
///
/// The id stays through all changes and is never given to another; each version of the content has a hash of its own.
package struct Template: Sendable, Hashable, Identifiable {
    package typealias ID = Int64
    package var id: ID
    /// Who made it, and alone may change it.
    package var accountID: Account.ID
    /// 32 hexadecimal digits that name this version.
    package var hashID: String
    package var content: TemplateContent
    /// Whether other accounts know nothing of it.
    package var isPrivate: Bool
    /// Unix seconds.
    package var createdAt: Double
    /// How many instances were made from it, and when the last one was.
    package var instanceCount: Int64
    package var usedAt: Double?

    package init(_ stored: StoredTemplate, _ content: TemplateContent) {
        id = stored.id
        accountID = stored.accountID
        hashID = stored.hashID
        self.content = content
        isPrivate = stored.isPrivate
        createdAt = stored.createdAt
        instanceCount = stored.instanceCount
        usedAt = stored.usedAt
    }

    /// What an instance remembers of it.
    package var origin: InstanceOrigin {
        InstanceOrigin(templateID: id, hashID: hashID, name: content.name)
    }
}

/// Which template an instance was made from; that may have changed since, or gone.
package struct InstanceOrigin: Sendable, Hashable {
    package var templateID: Template.ID
    package var hashID: String
    package var name: String

    package init(templateID: Template.ID, hashID: String, name: String) {
        self.templateID = templateID
        self.hashID = hashID
        self.name = name
    }
}

/// How a caller names a template.
package enum TemplateReference: Sendable, Hashable {
    /// Its newest version.
    case id(Template.ID)
    /// That version.
    case hash(String)
}

/// The fields of a template (contract 10); nil is what was not said.
///
/// The store keeps it sealed, as one piece: variables and scripts have secrets in them.
package struct TemplateContent: Sendable, Hashable, Codable {
    package var name: String
    package var image: String
    package var tag: String?
    package var href: String?
    package var repo: String?
    /// A text of options as `docker run` takes them.
    package var env: String?
    package var onstart: String?
    package var hasDirectJupyter = false
    package var hasDirectSSH = false
    package var usesJupyterLab = false
    package var runtype: String?
    package var usesSSH = false
    package var jupyterFolder: String?
    /// The registry that its image is from, as its maker says; nothing is done with it.
    package var loginRepository: String?
    /// How to be let in there; shown to that registry alone.
    package var login: RegistryLogin?
    /// What offers must be like: JSON, an object of filters.
    package var extraFilters: String?
    /// In GB of 10^9 bytes.
    package var recommendedDiskGB: Double?
    package var readme: String?
    /// Whether other accounts see the readme.
    package var isReadmeVisible = true
    package var text: String?

    enum CodingKeys: String, CodingKey {
        case name, image, tag, href, repo, env, onstart, runtype, readme, login
        case hasDirectJupyter = "jup_direct"
        case hasDirectSSH = "ssh_direct"
        case usesJupyterLab = "use_jupyter_lab"
        case usesSSH = "use_ssh"
        case jupyterFolder = "jupyter_dir"
        case loginRepository = "docker_login_repo"
        case extraFilters = "extra_filters"
        case recommendedDiskGB = "recommended_disk_space"
        case isReadmeVisible = "readme_visible"
        case text = "desc"
    }

    package init(name: String, image: String) {
        self.name = name
        self.image = image
    }

    /// The image with its tag.
    package var taggedImage: String { tag.map { "\(image):\($0)" } ?? image }

    /// What an instance of it is to be, in the words of a create (contract 4); nil where it says nothing of that.
    package var wishedRuntype: String? {
        if let runtype { return runtype }
        if hasDirectJupyter { return "jupyter_direc ssh_direc ssh_proxy" }
        if usesJupyterLab { return "jupyter_proxy ssh_proxy" }
        if hasDirectSSH { return "ssh_direc ssh_proxy" }
        return usesSSH ? "ssh_proxy" : nil
    }
}
