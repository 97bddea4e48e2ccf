/// How far one has come with commands in the order of the latest moments of their starts.
package struct StartPlace: Sendable, Hashable {
    package var startBy: Double
    package var id: Command.ID

    /// The place of one command.
    package init(_ command: Command) {
        startBy = command.startBy
        id = command.id
    }
}

/// Hands over all commands, page by page, whatever becomes of those that were handed over.
///
/// - Parameters:
///   - fetch: Gives the page behind a place, with at most so many.
///   - body: Gets each page.
/// - Throws: What these two throw.
func forEachPage(
    of fetch: (StartPlace?, Int) async throws -> [Command],
    do body: ([Command]) async throws -> Void
) async throws {
    // One group of writes; a longer one would keep those waiting who order commands.
    let limit = 500
    var place: StartPlace?
    while true {
        let page = try await fetch(place, limit)
        try await body(page)
        guard page.count == limit, let last = page.last else { return }
        place = StartPlace(last)
    }
}
