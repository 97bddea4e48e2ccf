import FoundationEssentials
import Yams

/// The configuration file: one YAML mapping of settings.
enum SettingsFile {
    /// - Throws: ``SettingError`` with file and line for a key that is none, one that stands twice, or a
    ///   value that is no scalar.
    static func read(_ path: String) throws(SettingError) -> Settings.Values {
        guard let data = FileManager.default.contents(atPath: path),
            let text = String(validating: data, as: UTF8.self)
        else {
            throw SettingError(path, "cannot be read")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw SettingError(path, "\(error)")
        }
        guard let root else { return [:] }
        guard case .mapping(let mapping) = root else {
            throw SettingError(path, "must be a mapping of settings")
        }
        var values: Settings.Values = [:]
        for (key, value) in mapping {
            let source = "\(path):\(key.mark?.line ?? 0)"
            guard let name = key.string, let setting = Setting(rawValue: name) else {
                let known = Setting.allCases.map(\.rawValue).joined(separator: ", ")
                throw SettingError(source, "unknown key '\(key.string ?? "?")'; known: \(known)")
            }
            guard case .scalar(let scalar) = value else {
                throw SettingError(source, "\(name) must be a single value")
            }
            guard values[setting] == nil else {
                throw SettingError(source, "\(name) is set twice")
            }
            values[setting] = (scalar.string, source)
        }
        return values
    }
}
