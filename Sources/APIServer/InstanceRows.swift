internal import AgentLink
internal import ControlPlane
internal import VastAPI

/// Instances as rows of the wire.
///
/// `start_date` is a number and `extra_env` a list on every row, and numbers that the table view
/// formats are numbers: clients crash otherwise (contract 3.3).
struct InstanceRows: Sendable {
    let dispatcher: Dispatcher
    let machines: any MachineStore
    let time: WallTime

    /// One row for each instance, in their order.
    func rows(_ instances: [Instance]) async throws -> [InstanceRow] {
        let reports = try await machines.reports(of: Set(instances.map(\.machineID)))
        return instances.map { row($0, reports[$0.machineID]) }
    }

    private func row(_ instance: Instance, _ machine: MachineReport?) -> InstanceRow {
        state(of: instance)
            .merging(hardware(of: instance, machine)) { $1 }
            .merging(network(of: instance, machine)) { $1 }
    }

    private func state(of instance: Instance) -> InstanceRow {
        let reach = dispatcher.reach(instance.machineID)
        let wish = instance.wish.state == .running ? "running" : "stopped"
        let actual = instance.status.isRunning ? "running" : "stopped"
        let started = instance.startedAt ?? instance.createdAt
        let uptime = instance.status.isRunning ? max(0, time.now() - started) / 60 : 0
        return [
            "id": .int(instance.id),
            "machine_id": .int(instance.machineID),
            "host_id": .int(instance.machineID),
            "actual_status": .optional(Self.status(of: instance, reach: reach)),
            "intended_status": .string(wish),
            "cur_state": .string(actual),
            "next_state": .string(wish),
            "status_msg": .string(Self.message(of: instance, reach: reach)),
            // Boathook's own: whether the machine has carried out what was last wished.
            "is_settled": .bool(instance.wish.isSettled),
            "label": .optional(instance.label ?? (instance.contract == nil ? instance.name : nil)),
            "image_uuid": .string(instance.image),
            "image_runtype": .string(instance.contract?.runtype ?? "args"),
            "container_id": .optional(instance.containerID),
            "start_date": .double(started),
            "end_date": .null,
            "uptime_mins": .double(uptime),
            "duration": .double(max(0, time.now() - instance.createdAt)),
            "extra_env": .array(environment(of: instance)),
            "template_id": .optional(instance.origin?.templateID),
            "template_name": .optional(instance.origin?.name),
            "template_hash_id": .optional(instance.origin?.hashID),
            "is_bid": .bool(false),
            "verification": .string("verified"),
            "jupyter_token": .null,
        ]
    }

    /// `actual_status`: nil, and null on the wire, until the machine has heard of it (contract 3.4).
    ///
    /// A container that is about to be started has not ended, and one that cannot be started will not run: who waits
    /// for it takes `exited` for the end, and nothing else.
    static func status(of instance: Instance, reach: MachineReach) -> String? {
        switch (instance.status, reach) {
        case (.provisioning, _): nil
        case (_, .none): "offline"
        case (_, .withoutEngine): "unknown"
        case (.exited, .full) where isToStart(instance) && !hasFailed(instance):
            InstanceStatus.loading.rawValue
        case (.created, .full) where isToStart(instance) && hasFailed(instance):
            InstanceStatus.exited.rawValue
        default: instance.status.rawValue
        }
    }

    /// `status_msg`.
    static func message(of instance: Instance, reach: MachineReach) -> String {
        reach == .withoutEngine
            ? "its machine's container engine does not answer" : instance.statusMessage ?? ""
    }

    private static func isToStart(_ instance: Instance) -> Bool {
        instance.wish.state == .running && !instance.wish.isSettled
    }

    private static func hasFailed(_ instance: Instance) -> Bool {
        instance.statusMessage?.hasPrefix("Error") == true
    }

    /// What the container got, but for what is secret of it, which no store has in the open: whoever lists instances
    /// need not be able to do what its key may.
    private func environment(of instance: Instance) -> [JSONValue] {
        instance.environment.filter { $0.first != CreateInstance.keyName }
            .map { .array($0.map { .string($0) }) }
    }

    private func hardware(of instance: Instance, _ machine: MachineReport?) -> InstanceRow {
        let gpuCount = instance.contract?.gpuCount ?? 0
        let gpu = gpuCount > 0 ? machine?.gpus.first : nil
        let all = machine?.gpus.count ?? 0
        let share = all == 0 ? 1 : Double(gpuCount) / Double(all)
        // Nobody bounds an adopted container.
        let part = instance.contract == nil ? nil : machine?.share(gpuCount: gpuCount)
        let memory = part?.memoryByteCount.map { Double($0) }
        let written = instance.writtenBytes.map { Double($0) / 1e9 }
        return [
            "num_gpus": .int(Int64(gpuCount)),
            "gpu_name": .optional(gpu.map { OfferRows.shortName($0.name) }),
            "gpu_util": .double(0),
            "gpu_temp": .null,
            "gpu_frac": .double(share),
            "gpu_ram": .double(gpu?.memoryMiB ?? 0),
            "gpu_totalram": .double((gpu?.memoryMiB ?? 0) * Double(gpuCount)),
            "cpu_name": .string(machine?.cpuName ?? ""),
            "cpu_arch": .optional(machine?.architecture),
            "cpu_cores": .int(Int64(machine?.cpuCores ?? 0)),
            "cpu_cores_effective": .double(part?.cores ?? Double(machine?.cpuCores ?? 0)),
            "cpu_ram": .double(memory.map { $0 / 1e6 } ?? machine?.memoryMB ?? 0),
            "cpu_util": .double(0),
            "mem_usage": .double(0),
            "mem_limit": memory.map { .double($0 / 1e9) } ?? .null,
            "disk_space": .double(instance.contract?.diskGB ?? 0),
            "disk_usage": .double(written ?? -1),
            "disk_util": .double(
                written.map { $0 / max(instance.contract?.diskGB ?? 0, 0.001) } ?? -1),
            "driver_version": .optional(machine?.driverVersion),
            "cuda_max_good": machine?.cudaVersion.flatMap { Double($0) }.map { .double($0) }
                ?? .null,
            "dph_total": .double(instance.contract?.price ?? 0),
            "dph_base": .double(instance.contract?.price ?? 0),
            "min_bid": .double(instance.contract?.price ?? 0),
            "reliability2": .double(1),
            "dlperf": .double(0),
            "volume_info": .array([]),
        ]
    }

    /// Ports are an object, and one that is reached has its address: what is there by half is remembered by clients
    /// for good (contract 9).
    private func network(of instance: Instance, _ machine: MachineReport?) -> InstanceRow {
        var ports: [String: [JSONValue]] = [:]
        for mapping in instance.ports {
            ports[mapping.port, default: []].append(
                .object([
                    "HostIp": .string(mapping.hostAddress),
                    "HostPort": .string(String(mapping.hostPort)),
                ]))
        }
        let ssh = instance.ports.first { $0.port == "22/tcp" }
        let address = machine?.publicAddress ?? ""
        // Clients add one to the port of what they take for a jupyter instance, if they have no mapping of 22/tcp.
        return [
            "ports": .object(ports.mapValues { .array($0) }),
            "public_ipaddr": .string(address),
            "local_ipaddrs": .string(address),
            "ssh_host": ssh == nil ? .null : .string(address),
            "ssh_port": ssh.map { .int(Int64($0.hostPort)) } ?? .null,
            "ssh_idx": .null,
            "machine_dir_ssh_port": .null,
            "direct_port_count": .int(Int64(instance.ports.count)),
            "direct_port_start": .int(-1),
            "direct_port_end": .int(-1),
            "inet_up": .double(0),
            "inet_down": .double(0),
            "geolocation": .optional(machine?.location),
        ]
    }
}
