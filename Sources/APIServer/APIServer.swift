package import ControlPlane
package import Hummingbird
package import Logging
internal import NIOCore

/// The HTTP side: every route in one table.
package struct APIServer: Sendable {
    /// What the routes are made of.
    package struct Parts: Sendable {
        package var authenticator: Authenticator
        package var keys: KeyAccess
        package var account: AccountParts
        package var instances: InstanceAccess
        package var machines: any MachineStore
        package var create: CreateInstance
        package var change: ChangeInstance
        package var commands: CommandAccess
        package var execute: ExecuteCommand
        package var schedules: ScheduleAccess
        package var cancel: RequestCancellation
        package var result: CommandResult
        package var follow: FollowOutput
        package var deleteResult: DeleteResult
        package var gateway: AgentGateway
        package var dispatcher: Dispatcher
        package var executeLimiter: RateLimiter<APIKey.ID>
        package var urls: PublicURLs
        package var time: WallTime
        /// How often one address may be wrong about a key.
        package var failedLoginRate = FailedLogins.defaultRate

        package init(
            authenticator: Authenticator, keys: KeyAccess, account: AccountParts,
            instances: InstanceAccess,
            machines: any MachineStore, create: CreateInstance, change: ChangeInstance,
            commands: CommandAccess, execute: ExecuteCommand, schedules: ScheduleAccess,
            cancel: RequestCancellation,
            result: CommandResult, follow: FollowOutput, deleteResult: DeleteResult,
            gateway: AgentGateway, dispatcher: Dispatcher, executeLimiter: RateLimiter<APIKey.ID>,
            urls: PublicURLs, time: WallTime
        ) {
            self.authenticator = authenticator
            self.keys = keys
            self.account = account
            self.instances = instances
            self.machines = machines
            self.create = create
            self.change = change
            self.commands = commands
            self.execute = execute
            self.schedules = schedules
            self.cancel = cancel
            self.result = result
            self.follow = follow
            self.deleteResult = deleteResult
            self.gateway = gateway
            self.dispatcher = dispatcher
            self.executeLimiter = executeLimiter
            self.urls = urls
            self.time = time
        }
    }

    /// All routes.
    ///
    /// The router takes paths with and without a trailing slash, and with doubled ones.
    package static func router(_ parts: Parts) -> Router<APIContext> {
        let router = Router(context: APIContext.self)
        router.add(middleware: AccessLogMiddleware())
        router.add(middleware: HygieneMiddleware())
        router.add(middleware: ErrorMiddleware())
        let failedLogins = FailedLogins(rate: parts.failedLoginRate)
        addPublicRoutes(to: router, parts, failedLogins)
        addAccountRoutes(to: router, parts, failedLogins)
        addAgentRoutes(to: router, parts, failedLogins)
        return router
    }

    /// The service that listens.
    ///
    /// - Parameters:
    ///   - parts: What the routes are made of.
    ///   - host: The address to listen on.
    ///   - port: The port to listen on; 0 takes a free one.
    ///   - logger: Of the service and of its requests.
    ///   - onListening: Gets the port that is listened on.
    /// - Returns: The service, not yet running.
    package static func application(
        _ parts: Parts, host: String, port: Int, logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void
    ) -> some ApplicationProtocol {
        Application(
            router: router(parts),
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [RequestDeadlines()], idleTimeout: .seconds(75))),
            configuration: .init(
                address: .hostname(host, port: port), serverName: nil,
                availableConnectionsDelegate: .maximum(maximumConnectionCount, logger: logger)),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? port) },
            logger: logger)
    }

    /// More wait until others have gone; each takes a descriptor and some memory.
    private static let maximumConnectionCount = 16_384

    private static func addPublicRoutes(
        to router: Router<APIContext>, _ parts: Parts, _ failedLogins: FailedLogins
    ) {
        router.get("healthz", use: HealthRoute().callAsFunction)
        router.get(
            "api/v0/gpu_types", use: EmptyRoute(reply: EmptyReplies.gpuTypes).callAsFunction)
        let search = offerSearch(parts)
        router.get(
            "api/v0/gpu_names/unique", use: GPUNamesRoute(list: search.list).callAsFunction)
        let open = router.group().add(
            middleware: GivenKeyMiddleware(
                authenticator: parts.authenticator, failedLogins: failedLogins))
        open.post("api/v0/bundles", use: search.post)
        open.get("api/v0/bundles", use: search.get)
        open.put("api/v0/search/asks", use: search.put)
        let result = ResultRoute(result: parts.result)
        router.get("results/:result", use: result.callAsFunction)
        router.head("results/:result", use: result.callAsFunction)
        router.get(
            "openapi.yaml",
            use: DocumentRoute(
                bytes: PackageResources.openapi_yaml, contentType: "application/yaml"
            )
            .callAsFunction)
        router.get(
            "llms.txt",
            use: DocumentRoute(
                bytes: PackageResources.llms_txt, contentType: "text/plain; charset=utf-8"
            ).callAsFunction)
    }

    private static func addAccountRoutes(
        to router: Router<APIContext>, _ parts: Parts, _ failedLogins: FailedLogins
    ) {
        let rows = InstanceRows(
            dispatcher: parts.dispatcher, machines: parts.machines, time: parts.time)
        let api = router.group()
            .add(
                middleware: AuthenticationMiddleware(
                    authenticator: parts.authenticator, addresses: parts.account.addresses,
                    failedLogins: failedLogins)
            )
            .add(
                middleware: PermissionMiddleware(
                    execute: parts.execute, limiter: parts.executeLimiter))
        api.put(
            "api/v0/instances/command/:id",
            use: ExecuteRoute(
                execute: parts.execute, result: parts.result, limiter: parts.executeLimiter,
                urls: parts.urls
            ).callAsFunction)
        api.put(
            "api/v0/instances/request_logs/:id",
            use: RequestLogsRoute(
                requestLogs: RequestLogs(execute: parts.execute), result: parts.result,
                limiter: parts.executeLimiter, urls: parts.urls
            ).callAsFunction)
        addScheduleRoutes(to: api, parts)
        api.get(
            "api/v0/commands/:id",
            use: CommandRoute(access: parts.commands, result: parts.result, urls: parts.urls)
                .callAsFunction)
        api.get(
            "api/v0/commands/:id/output",
            use: CommandOutputRoute(
                access: parts.commands, result: parts.result,
                follow: FollowRoute(follow: parts.follow, urls: parts.urls)
            ).callAsFunction)
        api.delete(
            "api/v0/commands/:id/output",
            use: DeleteOutputRoute(delete: parts.deleteResult).callAsFunction)
        api.get(
            "api/v0/commands",
            use: CommandListRoute(access: parts.commands, urls: parts.urls).callAsFunction)
        api.delete("api/v0/commands/:id", use: CancelRoute(cancel: parts.cancel).callAsFunction)
        api.get(
            "api/v0/instances",
            use: InstanceListRoute(access: parts.instances, rows: rows).callAsFunction)
        api.get(
            "api/v0/instances/filters",
            use: InstanceFiltersRoute(access: parts.instances, rows: rows).callAsFunction)
        api.get(
            "api/v0/instances/:id",
            use: InstanceRoute(access: parts.instances, rows: rows).callAsFunction)
        api.get(
            "api/v1/instances",
            use: InstancePageRoute(access: parts.instances, rows: rows).callAsFunction)
        addLifecycleRoutes(to: api, parts)
        addProfileRoutes(to: api, parts)
        api.get("api/v0/auth/apikeys", use: KeyListRoute(access: parts.keys).callAsFunction)
        api.post("api/v0/auth/apikeys", use: CreateKeyRoute(access: parts.keys).callAsFunction)
        api.get("api/v0/auth/apikeys/:id", use: KeyRoute(access: parts.keys).callAsFunction)
        api.delete(
            "api/v0/auth/apikeys/:id", use: DeleteKeyRoute(access: parts.keys).callAsFunction)
    }

    private static func offerSearch(_ parts: Parts) -> OfferSearchRoute {
        OfferSearchRoute(
            list: OfferList.reading(parts.machines, OfferRows(dispatcher: parts.dispatcher)))
    }

    /// Making, changing and ending instances, and the machines that they are on.
    private static func addLifecycleRoutes(to api: RouterGroup<APIContext>, _ parts: Parts) {
        let templates = parts.account.templates
        let create = CreateInstanceRoute(create: parts.create, templates: templates).callAsFunction
        api.put("api/v0/asks/:id", use: create)
        api.post("api/v0/asks/:id", use: create)
        api.post(
            "api/v0/asks/bulk",
            use: BulkCreateRoute(create: parts.create, templates: templates).callAsFunction)
        api.put(
            "api/v0/launch_instance",
            use: LaunchInstanceRoute(
                create: parts.create, templates: templates, search: offerSearch(parts)
            ).callAsFunction)
        let change = ChangeInstanceRoute(change: parts.change)
        api.put("api/v0/instances/:id", use: change.put)
        api.delete("api/v0/instances/:id", use: change.delete)
        api.get(
            "api/v0/instances/:id/destruction",
            use: DestructionRoute(access: parts.instances, dispatcher: parts.dispatcher)
                .callAsFunction)
        let bulk = BulkChangeRoute(change: parts.change, access: parts.instances)
        api.put("api/v0/instances", use: bulk.put)
        api.delete("api/v0/instances", use: bulk.delete)
        let restart = RestartRoute(change: parts.change)
        api.put("api/v0/instances/reboot/:id", use: restart.reboot)
        api.put("api/v0/instances/recycle/:id", use: restart.recycle)
        api.put(
            "api/v0/instances/update_template/:id",
            use: UpdateInstanceRoute(
                change: parts.change, access: parts.instances, templates: templates,
                rows: InstanceRows(
                    dispatcher: parts.dispatcher, machines: parts.machines, time: parts.time)
            ).callAsFunction)
        let rows = MachineRows(dispatcher: parts.dispatcher)
        api.get(
            "api/v0/machines",
            use: MachineListRoute(access: parts.account.machines, rows: rows).callAsFunction)
        api.get(
            "api/v0/machines/:id",
            use: MachineRoute(access: parts.account.machines, rows: rows).callAsFunction)
    }

    private static func addScheduleRoutes(to api: RouterGroup<APIContext>, _ parts: Parts) {
        let access = parts.schedules
        api.get(
            "api/v0/commands/schedule_job", use: ScheduleListRoute(access: access).callAsFunction)
        api.post(
            "api/v0/commands/schedule_job",
            use: CreateScheduleRoute(access: access, time: parts.time).callAsFunction)
        api.put(
            "api/v0/commands/schedule_job/:id",
            use: UpdateScheduleRoute(access: access, time: parts.time).callAsFunction)
        api.delete(
            "api/v0/commands/schedule_job/:id",
            use: DeleteScheduleRoute(access: access).callAsFunction)
    }

    private static func addAgentRoutes(
        to router: Router<APIContext>, _ parts: Parts, _ failedLogins: FailedLogins
    ) {
        router.post(
            "agent/v1/join",
            use: JoinRoute(gateway: parts.gateway, failedLogins: failedLogins).callAsFunction)
        let agent = router.group().add(
            middleware: MachineMiddleware(gateway: parts.gateway, failedLogins: failedLogins))
        agent.post("agent/v1/link", use: LinkRoute(gateway: parts.gateway).callAsFunction)
        agent.post("agent/v1/reports", use: ReportsRoute(gateway: parts.gateway).callAsFunction)
        agent.post("agent/v1/output/:relay", use: RelayRoute(gateway: parts.gateway).callAsFunction)
        agent.post("agent/v1/results", use: ResultsRoute(gateway: parts.gateway).callAsFunction)
    }
}
