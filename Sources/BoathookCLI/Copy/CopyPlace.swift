internal import VastAPI

/// One side of a copy, as upstream's client writes it.
enum CopyPlace: Sendable, Hashable {
    /// A path of this machine.
    case local(String)
    case instance(Int64, String)
    /// What the server has to say something of: cloud storage, volumes.
    case elsewhere(String, String)

    /// `7:/workspace/`, `C.7:/workspace/`, `local:data`, or a path; a number alone is all of that instance.
    ///
    /// A path whose name has a colon is told by a slash before it, such as `./a:b`.
    init(_ text: String) {
        guard let colon = text.firstIndex(of: ":") else {
            self = Int64(text).map { .instance($0, "/") } ?? .local(text)
            return
        }
        let name = String(text[..<colon])
        let path = String(text[text.index(after: colon)...])
        let number = name.hasPrefix("C.") ? String(name.dropFirst(2)) : name
        if name == "local" {
            self = .local(path)
        } else if name.contains("/") {
            self = .local(text)
        } else if let id = Int64(number), id > 0 {
            self = .instance(id, path)
        } else {
            self = .elsewhere(name, path)
        }
    }

    /// How the server is told of it.
    var id: JSONValue {
        switch self {
        case .local: .string("local")
        case .instance(let id, _): .int(id)
        case .elsewhere(let name, _): .string(name)
        }
    }

    var path: String {
        switch self {
        case .local(let path), .instance(_, let path), .elsewhere(_, let path): path
        }
    }
}
