internal import ArgumentParser
internal import FoundationEssentials

/// Which server, whose key, what kind of output.
struct ClientOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server (default: BOATHOOK_URL, VAST_URL, http://127.0.0.1:8787).", valueName: "url"
        ))
    var url: String?

    @Option(
        help: ArgumentHelp(
            "The API key (default: BOATHOOK_API_KEY, VAST_API_KEY, the kept one).", valueName: "key"
        ))
    var apiKey: String?

    @Flag(name: [.long, .customLong("raw")], help: "Print JSON, for programs (--raw is the same).")
    var json = false

    func client() throws -> APIClient {
        let environment = ProcessInfo.processInfo.environment
        let url = url ?? environment["BOATHOOK_URL"] ?? environment["VAST_URL"] ?? Self.defaultURL
        guard let key = givenKey ?? KeptKey.found(for: url, environment) else {
            throw ClientError(
                "no API key for \(url): use --api-key, BOATHOOK_API_KEY, or 'boathook set api-key KEY'"
            )
        }
        return APIClient(baseURL: url, key: key)
    }

    /// The key that whoever called this program told it.
    var givenKey: String? {
        let environment = ProcessInfo.processInfo.environment
        return apiKey ?? environment["BOATHOOK_API_KEY"] ?? environment["VAST_API_KEY"]
    }

    static let defaultURL = "http://127.0.0.1:8787"
}
