internal import ArgumentParser
internal import FoundationEssentials
internal import VastAPI

/// `boathook copy SRC DST`.
struct CopyVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copy files between this machine and a running instance.",
        discussion: """
            One side is an instance's path, 7:/workspace/ or C.7:/workspace/, and the other one of this machine, \
            local:data or data alone. A folder's name with a slash behind it is what is in the folder, as rsync has it.

              boathook copy local:data/ 7:/workspace/data
              boathook copy 7:/workspace/results local:results

            This machine's rsync is run over the instance's SSH, by one of the keys that log in to it; what is there \
            already is not sent again. The place on this machine is a folder, which is made. Of what an instance has, devices \
            and set-user-ID bits are left out.

            Exit status: rsync's own; 64 wrong usage, 125 refused or not started.
            """)

    @Argument(help: ArgumentHelp("Where from.", valueName: "src"))
    var source: String

    @Argument(help: ArgumentHelp("Where to.", valueName: "dst"))
    var destination: String

    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "The private key to log in with (default: what ssh takes).", valueName: "file"))
    var identity: String?

    @OptionGroup var options: ClientOptions

    func validate() throws {
        for case .local(let path) in [CopyPlace(source), CopyPlace(destination)] {
            guard !path.isEmpty else { throw ValidationError("a path of this machine is missing") }
        }
    }

    func run() async throws {
        let source = CopyPlace(source)
        let destination = CopyPlace(destination)
        let reply: CopyReply = try await options.client().put(
            APIPath.copy,
            [
                "client_id": JSONValue.string("me"), "src_id": source.id, "dst_id": destination.id,
                "src_path": .string(source.path), "dst_path": .string(destination.path),
            ])
        guard reply.success else { throw ClientError(reply.msg) }
        let arguments = try rsync(source, destination, reply).arguments()
        if options.json { try StandardStreams.print(try JSONText.of(reply)) }
        if case .local(let path) = destination { try Self.makeFolder(path) }
        try Rsync.become(arguments)
    }

    private func rsync(_ source: CopyPlace, _ destination: CopyPlace, _ reply: CopyReply) throws
        -> Rsync
    {
        func run(
            _ direction: Rsync.Direction, _ local: String, _ id: Int64, _ remote: String,
            _ address: String?, _ port: Int?
        ) throws -> Rsync {
            guard let address, let port else {
                throw ClientError("the server did not tell where the instance is")
            }
            return Rsync(
                direction: direction, local: local, instanceID: id, remote: remote,
                address: address, port: port, identity: identity, isTold: !options.json,
                isWatched: StandardStreams.Stream.output.isTerminal)
        }
        switch (source, destination) {
        case (.local(let path), .instance(let id, let remote)):
            return try run(
                .upload, path, id, remote, reply.destinationAddress, reply.destinationPort)
        case (.instance(let id, let remote), .local(let path)):
            return try run(.download, path, id, remote, reply.sourceAddress, reply.sourcePort)
        default:
            throw ClientError("the server copies this itself, and does not tell when it has ended")
        }
    }

    private static func makeFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw ClientError("\(path): the folder cannot be made")
        }
    }
}
