import APIServer
import AgentLink
import AgentSimulator
import CommandPolicy
import ControlPlane
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import NIOPosix
import PolicyDocuments
import ResultStores
import SQLiteStore
import Testing
import VastAPI

/// A whole server on real stores, with a simulated machine; two accounts, one instance each.
struct TestServer: Sendable {
    let store: SQLiteStore
    let gateway: AgentGateway
    let dispatcher: Dispatcher
    let housekeeping: Housekeeping
    let switches: SwitchBoard
    let scheduler: Scheduler
    let revoked: RevokedMachines
    let orders: InstanceOrders
    let agent: SimulatedAgent
    let machine: Machine
    let key: String
    let otherKey: String
    /// A running instance of the first account.
    let instance: Int64
    /// A running instance of the second account.
    let otherInstance: Int64
    let parts: APIServer.Parts

    static func with(
        compatibility: Compatibility = .boathook,
        rate: CallRate = .init(burst: 1000, perSecond: 1000),
        instanceRate: CallRate = .init(burst: 1000, perSecond: 1000),
        keyRate: CallRate = KeyAccess.defaultRate,
        failedLoginRate: CallRate = FailedLogins.defaultRate,
        time: WallTime = .system, keeping: ResultKeeping = .init(),
        _ body: @Sendable (TestServer, any TestClientProtocol) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let server = try await TestServer(
            folder: folder.path, compatibility: compatibility, rate: rate,
            instanceRate: instanceRate, keyRate: keyRate, failedLoginRate: failedLoginRate,
            time: time, keeping: keeping)
        let application = Application(router: APIServer.router(server.parts))
        try await application.test(.router) { client in try await body(server, client) }
    }

    private init(
        folder: String, compatibility: Compatibility, rate: CallRate, instanceRate: CallRate,
        keyRate: CallRate, failedLoginRate: CallRate, time: WallTime, keeping: ResultKeeping
    ) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        store = try SQLiteStore(path: folder + "/db")
        let results = try FileResultStore(root: folder + "/results", threads: .singleton)
        // What requests wait for comes, but on a slow machine not within seconds. Those that look again soon do so.
        let bell = CompletionBell {
            try await Task.sleep(for: $0 < .seconds(1) ? $0 : max($0, .seconds(600)))
        }
        let relays = OutputRelays()
        switches = SwitchBoard(store: store, bell: bell, time: time, logger: logger)
        dispatcher = Dispatcher(
            commands: store, switches: switches, outputLimit: keeping.outputLimit, time: time,
            logger: logger)
        orders = InstanceOrders(
            instances: store, dispatcher: dispatcher,
            box: SecretBox(key: Array(repeating: 7, count: SecretBox.keyByteCount)), logger: logger,
            authorizedKeys: store.authorizedKeys)
        revoked = RevokedMachines(
            store: store, dispatcher: dispatcher, bell: bell, time: time, logger: logger)
        gateway = AgentGateway(
            accounts: store, machines: store, instances: store, orders: orders, commands: store,
            dispatcher: dispatcher, relays: relays,
            complete: CompleteCommand(
                commands: store, results: results, bell: bell, outputLimit: keeping.outputLimit,
                time: time),
            key: ServerKey(), revoked: revoked, time: time, logger: logger)
        housekeeping = Housekeeping(
            commands: store, results: results, dispatcher: dispatcher, bell: bell,
            keeping: keeping, time: time, logger: logger)
        let access = InstanceAccess(instances: store)
        let commands = CommandAccess(commands: store)
        let result = CommandResult(commands: store, results: results, bell: bell, time: time)
        let account = AccountParts(
            store: store, instances: access, orders: orders,
            box: SecretBox(key: Array(repeating: 7, count: SecretBox.keyByteCount)), time: time,
            logger: logger)
        let change = ChangeInstance(
            access: access, instances: store, orders: orders, dispatcher: dispatcher,
            time: time)
        let execute = ExecuteCommand(
            access: access, commands: store, dispatcher: dispatcher, policy: .vast,
            switches: switches, instanceRate: instanceRate,
            compatibility: compatibility, times: .init(),
            outputLimit: keeping.outputLimit, time: time)
        let scheduleBell = ScheduleBell()
        scheduler = Scheduler(
            jobs: store, accounts: store,
            actions: ServerJobActions(execute: execute, change: change), bell: scheduleBell,
            time: time, logger: logger)
        var parts = APIServer.Parts(
            authenticator: Authenticator(accounts: store, time: time),
            keys: KeyAccess(accounts: store, rate: keyRate, time: time), account: account,
            instances: access,
            machines: store,
            create: CreateInstance(
                instances: store, orders: orders, switches: switches,
                environment: account.environment.environment, answerPatience: .seconds(600),
                time: time),
            change: change,
            commands: commands,
            execute: execute,
            schedules: ScheduleAccess(
                jobs: store, instances: access, execute: execute, bell: scheduleBell, time: time),
            cancel: RequestCancellation(
                commands: commands, store: store, dispatcher: dispatcher, bell: bell, time: time),
            result: result,
            follow: FollowOutput(
                access: commands, result: result, dispatcher: dispatcher, relays: relays, bell: bell
            ),
            deleteResult: DeleteResult(
                access: commands, commands: store, results: results, time: time),
            gateway: gateway, dispatcher: dispatcher,
            executeLimiter: RateLimiter(rate: rate),
            urls: PublicURLs(base: "https://boathook.example/"), time: time)
        parts.failedLoginRate = failedLoginRate
        self.parts = parts

        let accounts = [
            try await store.ensureAccount(named: "maria"),
            try await store.ensureAccount(named: "noor"),
        ]
        var keys: [String] = []
        for account in accounts {
            let secret = Secret()
            _ = try await store.addKey(secret.digest, name: "k", account: account.id, at: 1)
            keys.append(secret.text)
        }
        key = keys[0]
        otherKey = keys[1]
        machine = try await store.ensureLocalMachine(name: "here", at: 1)
        agent = SimulatedAgent(gateway: gateway, machine: machine)
        try await agent.report([.sample("c1", owner: "maria"), .sample("c2", owner: "noor")])
        instance = try #require(try await store.instances(account: accounts[0].id).first).id
        otherInstance = try #require(try await store.instances(account: accounts[1].id).first).id
    }

    /// Runs `body` while the simulated machine is connected and answers as told.
    func withAgent(
        wanted: @escaping @Sendable (ServerMessage) async -> Void = { _ in },
        answer: @escaping @Sendable (RunCommand) async -> SimulatedAgent.Answer?,
        _ body: () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (connected, connect) = AsyncStream.makeStream(of: Void.self)
            group.addTask { [agent] in
                try await agent.run(
                    connected: { connect.finish() }, wanted: wanted, answer: answer)
            }
            for await _ in connected {}
            try await body()
            group.cancelAll()
        }
    }

    /// Runs `body` while the machine has an `ls` that it does not answer; gives its order, and the path of its result.
    func withOpenCommand(
        _ client: any TestClientProtocol, _ body: (RunCommand, String) async throws -> Void
    ) async throws {
        let orders = AsyncStream.makeStream(of: RunCommand.self)
        try await withAgent(answer: { order in
            orders.continuation.yield(order)
            return nil
        }) {
            let path = try await ResultRouteTests.execute(self, client)
            var iterator = orders.stream.makeAsyncIterator()
            try await body(try #require(await iterator.next()), path)
        }
    }

    /// A quick success with some output on both streams.
    @Sendable static func succeed(_ order: RunCommand) async -> SimulatedAgent.Answer? {
        let frames = [
            OutputFrame(stream: .stdout, bytes: Array("héllo ✓\n".utf8)),
            OutputFrame(stream: .stderr, bytes: Array("oops\n".utf8)),
        ]
        return SimulatedAgent.Answer(
            report: CommandFinished(
                commandID: order.commandID, outcome: .exited, exitCode: 0, stdoutBytes: 11,
                stderrBytes: 5,
                sha256: SecretDigest(of: "héllo ✓\noops\n").bytes.map { String(format: "%02x", $0) }
                    .joined(),
                startedAt: 1, runtime: 0.01),
            frames: frames)
    }
}

extension InstanceReport {
    static func sample(_ id: String, owner: String, status: String = "running") -> InstanceReport {
        InstanceReport(
            containerID: id, name: "name-\(id)", image: "debian", status: status, owner: owner,
            label: nil, createdAt: 1, startedAt: 2, environment: [["A", "b"]], statusMessage: nil)
    }
}

extension TestClientProtocol {
    /// A request with a key in the header, and JSON as its body if there is any.
    func send(
        _ method: HTTPRequest.Method, _ path: String, key: String? = nil, json: String? = nil,
        headers: HTTPFields = [:]
    ) async throws -> TestResponse {
        var headers = headers
        if let key { headers[.authorization] = "Bearer \(key)" }
        return try await execute(
            uri: path, method: method, headers: headers, body: json.map { ByteBuffer(string: $0) })
    }
}

extension TestResponse {
    var text: String { String(buffer: body) }

    func decoded<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(body.readableBytesView))
    }
}
