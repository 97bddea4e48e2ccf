internal import ArgumentParser
internal import FoundationEssentials
internal import VastAPI

/// `boathook create instances OFFER…`.
struct CreateInstancesVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "instances",
        abstract: "Make an instance on each of several offers.",
        discussion: """
            The flags are those of 'boathook create instance'. Each offer is tried, whatever came of the others; the ids of \
            what was made are printed.

              boathook create instances 3 4 5 --image debian:12 --disk 20 --wait

            Exit status as of 'boathook create instance'; 1 also when only some were made.
            """)

    @Argument(help: ArgumentHelp("The offers' ids.", valueName: "offer_id"))
    var offerIDs: [Int64]

    @OptionGroup var create: CreateOptions

    @OptionGroup var waiting: WaitOptions

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let client = try options.client()
        let started = ContinuousClock.now
        var results: [BulkCreateReply.Item] = []
        for ids in chunks() {
            do {
                let reply = try await reply(for: ids, client)
                results += reply.results
                if !options.json { try tell(reply.results) }
            } catch  where !results.isEmpty {
                // What was made before is told all the same.
                if options.json { try print(results, since: started) }
                throw error
            }
        }
        if options.json { try print(results, since: started) }
        if let patience = waiting.patience {
            try await InstanceWait(
                client: client, goal: create.stopped ? .made : .running, since: nil
            ).callAsFunction(for: results.compactMap(\.newContract), patience: patience)
        }
        if let code = results.compactMap(Self.exitCode).max() { throw ExitCode(code) }
    }

    private func print(
        _ results: [BulkCreateReply.Item], since started: ContinuousClock.Instant
    ) throws {
        let elapsed = (ContinuousClock.now - started) / .seconds(1)
        try StandardStreams.print(
            try JSONText.of(BulkCreateReply(results: results, elapsed: elapsed)))
    }

    /// As many as the server takes at once.
    func chunks() -> [[Int64]] {
        stride(from: 0, to: offerIDs.count, by: Self.maximumCount).map { start in
            Array(offerIDs[start..<min(start + Self.maximumCount, offerIDs.count)])
        }
    }

    /// The server's answer; it is one with a status of its own when nothing was made.
    private func reply(for ids: [Int64], _ client: APIClient) async throws -> BulkCreateReply {
        var body = try create.body()
        body["ids"] = .array(ids.map { .int($0) })
        do {
            return try await VerbFailure.naming {
                try await client.post(
                    APIPath.bulkAsks, body, idempotencyKey: CommandWaiting.idempotencyKey())
            }
        } catch let error as ClientError where error.status == 400 {
            guard let data = error.body,
                let reply = try? JSONDecoder().decode(BulkCreateReply.self, from: data)
            else { throw error }
            return reply
        }
    }

    private func tell(_ results: [BulkCreateReply.Item]) throws {
        for item in results {
            if let id = item.newContract {
                try StandardStreams.print("instance \(id)")
            } else {
                StandardStreams.complain("offer \(item.askID): \(item.msg ?? "refused")")
            }
        }
    }

    /// Nil for one that was made.
    static func exitCode(of item: BulkCreateReply.Item) -> Int32? {
        guard item.newContract == nil else { return nil }
        return item.error == "no_such_ask" ? 1 : 125
    }

    private static let maximumCount = 64
}
