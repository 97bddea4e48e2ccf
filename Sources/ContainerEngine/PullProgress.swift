internal import FoundationEssentials

/// How far the fetching of an image is.
package struct PullProgress: Sendable, Hashable {
    /// Layers that are there, of those that the engine has named so far.
    package var layers = 0
    package var layerCount = 0
    /// Bytes fetched, of those whose number the engine has named so far; 0 where it names none (Podman).
    package var bytes: Int64 = 0
    package var byteCount: Int64 = 0
    /// Bytes of fetched layers that the engine has unpacked, where it says so.
    package var unpacked: Int64 = 0

    package init() {}

    /// For people: `12 of 48 MB`, `1 of 3 layers`; nil when nothing is known yet.
    package var description: String? {
        if byteCount > 0 {
            return "\(Self.megabytes(bytes)) of \(Self.megabytes(byteCount)) MB"
        }
        return layerCount > 0 ? "\(layers) of \(layerCount) layers" : nil
    }

    private static func megabytes(_ count: Int64) -> Int64 { (count + 500_000) / 1_000_000 }
}

/// Reads the lines of `POST /images/create`.
///
/// Docker tells the bytes of each layer as they come; Podman only when a layer has been fetched.
package struct PullReport: Sendable {
    private struct Layer {
        var bytes: Int64 = 0
        var byteCount: Int64 = 0
        var unpacked: Int64 = 0
        var isThere = false
    }

    package private(set) var progress = PullProgress()
    /// Why it did not come about; the last line then.
    package private(set) var failure: String?
    private var layers: [String: Layer] = [:]

    package init() {}

    package mutating func read(line: some Sequence<UInt8>) {
        guard let line = try? JSONDecoder().decode(PullLine.self, from: Data(line)) else { return }
        if let error = line.detail?.message ?? line.error {
            failure = error
            return
        }
        guard let id = line.id, let status = line.status,
            layers[id] != nil || layers.count < Self.maximumLayerCount
        else { return }
        var layer = layers[id] ?? Layer()
        switch status {
        case "Pulling fs layer", "Waiting", "Verifying Checksum": break
        case "Downloading":
            layer.bytes = Self.plausible(line.progress?.current) ?? layer.bytes
            layer.byteCount = max(
                Self.plausible(line.progress?.total) ?? 0, layer.byteCount, layer.bytes)
        case "Download complete", "Extracting":
            layer.bytes = layer.byteCount
            if status == "Extracting" {
                layer.unpacked = Self.plausible(line.progress?.current) ?? layer.unpacked
            }
            // All that Podman says.
            layer.isThere = layer.isThere || layer.byteCount == 0
        case "Pull complete", "Already exists":
            layer.bytes = layer.byteCount
            layer.isThere = true
        // `Pulling from …` names the tag.
        default: return
        }
        layers[id] = layer
        progress = layers.values.reduce(into: PullProgress()) { sum, layer in
            sum.layers += layer.isThere ? 1 : 0
            sum.layerCount += 1
            sum.bytes += layer.bytes
            sum.byteCount += layer.byteCount
            sum.unpacked += layer.unpacked
        }
    }

    /// A registry may claim what it likes: sums of these do not overflow.
    private static func plausible(_ count: Int64?) -> Int64? {
        count.map { min(max($0, 0), 1 << 50) }
    }

    /// Images have at most 127 layers.
    private static let maximumLayerCount = 512
}

private struct PullLine: Decodable {
    struct Progress: Decodable {
        var current: Int64?
        var total: Int64?
    }

    struct Detail: Decodable { var message: String? }

    var id: String?
    var status: String?
    var error: String?
    var detail: Detail?
    var progress: Progress?

    enum CodingKeys: String, CodingKey {
        case id, status, error
        case detail = "errorDetail"
        case progress = "progressDetail"
    }
}
