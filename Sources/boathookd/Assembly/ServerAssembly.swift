import APIServer
import CommandPolicy
import ControlPlane
import Hummingbird
import Logging
import NIOPosix
import ResultStores
import SQLiteStore
import ServiceLifecycle

/// A server, put together: the embedded stores, the use cases, the routes.
struct ServerAssembly {
    let store: SQLiteStore
    private let execute: ExecuteCommand
    private let switches: SwitchBoard
    let gateway: AgentGateway
    let urls: PublicURLs
    /// In the order of their starts; they stop in the reverse order.
    let services: [any Service]

    /// - Parameters:
    ///   - settings: The server's.
    ///   - folder: Where the database and the results lie.
    ///   - logger: The process's.
    ///   - onListening: Called once callers are answered; gets the public URL.
    /// - Throws: When the key, the database or the results' folder cannot be used.
    init(
        _ settings: Settings, folder: DataFolder, logger: Logger,
        onListening: @escaping @Sendable (String) async -> Void
    ) throws {
        let time = WallTime.system
        let key = try folder.serverKey()
        let box = try folder.secretBox()
        let reserve = DiskReserve(path: folder.reserve, logger: logger)
        let store = try reserve.withSpace {
            try SQLiteStore(path: folder.database, onFullDisk: reserve.giveUp)
        }
        let results = try reserve.withSpace {
            try FileResultStore(
                root: folder.results, threads: .singleton, onFullDisk: reserve.giveUp)
        }
        let bell = CompletionBell()
        let relays = OutputRelays()
        let keeping = settings.keeping
        let switches = SwitchBoard(store: store, bell: bell, time: time, logger: logger)
        let dispatcher = Dispatcher(
            commands: store, switches: switches, outputLimit: keeping.outputLimit, time: time,
            logger: logger)
        let revoked = RevokedMachines(
            store: store, dispatcher: dispatcher, bell: bell, time: time, logger: logger)
        let access = InstanceAccess(instances: store)
        let commands = CommandAccess(commands: store)
        let orders = InstanceOrders(
            instances: store, dispatcher: dispatcher, box: box, logger: logger,
            authorizedKeys: store.authorizedKeys)
        let account = AccountParts(
            store: store, instances: access, orders: orders, box: box, time: time, logger: logger)
        let gateway = AgentGateway(
            accounts: store, machines: store, instances: store, orders: orders,
            commands: store,
            dispatcher: dispatcher, relays: relays,
            complete: CompleteCommand(
                commands: store, results: results, bell: bell, outputLimit: keeping.outputLimit,
                time: time),
            key: key, revoked: revoked, time: time, logger: logger)
        let urls = PublicURLs(
            base: settings.publicURL ?? "http://\(settings.urlHost):\(settings.port)")
        var times = ExecuteCommand.Times()
        times.resultLifetime = Double(settings.resultHours) * 3600
        times.writerStartWithin = Double(settings.writerStartSeconds)
        times.readerStartWithin = Double(settings.readerStartSeconds)

        let result = CommandResult(commands: store, results: results, bell: bell, time: time)

        let change = ChangeInstance(
            access: access, instances: store, orders: orders, dispatcher: dispatcher,
            time: time)
        let execute = ExecuteCommand(
            access: access, commands: store, dispatcher: dispatcher,
            policy: try settings.policy.policy(), switches: switches,
            instanceRate: settings.instanceRate,
            compatibility: settings.compatibility, times: times,
            outputLimit: keeping.outputLimit, time: time)
        let scheduleBell = ScheduleBell()

        let application = APIServer.application(
            APIServer.Parts(
                authenticator: Authenticator(accounts: store),
                keys: KeyAccess(accounts: store, rate: settings.keyRate, time: time),
                account: account,
                instances: access,
                machines: store,
                create: CreateInstance(
                    instances: store, orders: orders, switches: switches,
                    environment: account.environment.environment, time: time),
                change: change,
                commands: commands,
                execute: execute,
                schedules: ScheduleAccess(
                    jobs: store, instances: access, execute: execute, bell: scheduleBell,
                    time: time),
                cancel: RequestCancellation(
                    commands: commands, store: store, dispatcher: dispatcher, bell: bell, time: time
                ),
                result: result,
                follow: FollowOutput(
                    access: commands, result: result, dispatcher: dispatcher, relays: relays,
                    bell: bell),
                deleteResult: DeleteResult(
                    access: commands, commands: store, results: results, time: time),
                gateway: gateway, dispatcher: dispatcher,
                executeLimiter: RateLimiter(rate: settings.executeRate), urls: urls, time: time),
            host: settings.host, port: settings.port, logger: logger
        ) { port in
            if settings.publicURL == nil { urls.base = "http://\(settings.urlHost):\(port)" }
            await onListening(urls.base)
        }
        self.store = store
        self.execute = execute
        self.switches = switches
        self.gateway = gateway
        self.urls = urls
        services = [
            Housekeeping(
                commands: store, results: results, dispatcher: dispatcher, bell: bell,
                keeping: keeping, time: time, logger: logger),
            switches, revoked, reserve, application, dispatcher,
            Scheduler(
                jobs: store, accounts: store,
                actions: ServerJobActions(execute: execute, change: change), bell: scheduleBell,
                time: time, logger: logger),
        ]
    }

    /// What a former process left for this one; before anybody is answered.
    func takeUp() async throws {
        try await execute.takeUpUnanswered()
        // Before a machine asks for what waits there.
        try await switches.refresh()
    }

    /// On the first start, makes the first account and its key, and leaves the key in a file for
    /// the operator.
    ///
    /// A start that was cut off before is made good.
    func ensureAdminKey(in folder: DataFolder) async throws {
        if let first = try await store.firstAccount() {
            guard try await !store.hasKeys(account: first.id) else { return }
        }
        let account = try await store.ensureAccount(named: "admin")
        let secret = Secret()
        try DataFolder.writeSecret(secret.text + "\n", to: folder.adminKey)
        _ = try await store.addKey(
            secret.digest, name: "admin.key", account: account.id, at: WallTime.system.now())
    }
}

extension Settings {
    /// The host as a URL writes it.
    var urlHost: String { host.contains(":") ? "[\(host)]" : host }

    /// Upstream's interval (contract 0.4), or a rate that nobody meets by hand.
    var executeRate: CallRate {
        switch compatibility {
        case .vastStrict: .interval(seconds: 1.5)
        case .boathook: .init(burst: 2000, perSecond: 1000)
        }
    }

    /// Of making and of revoking keys: upstream's interval (contract 0.4), or a rate that no client meets.
    var keyRate: CallRate {
        switch compatibility {
        case .vastStrict: .interval(seconds: 2)
        case .boathook: .init(burst: 60, perSecond: 1)
        }
    }

    /// Below what one key may do: an instance is one container's disk, whoever asks.
    var instanceRate: CallRate { .init(burst: 1000, perSecond: 500) }
}
