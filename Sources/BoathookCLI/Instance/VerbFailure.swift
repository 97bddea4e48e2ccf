/// Which exit status a refusal has: 1 for what is not there, or has no room; 125 for the rest.
enum VerbFailure {
    static func naming<Reply>(_ body: () async throws -> Reply) async throws -> Reply {
        do {
            return try await body()
        } catch let error as ClientError where error.status == 404 || error.status == 410 {
            throw error.ending(with: 1)
        }
    }
}
