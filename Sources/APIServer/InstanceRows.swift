internal import ControlPlane
internal import VastAPI

/// Instances as rows of the wire.
///
/// `start_date` is a number and `extra_env` a list on every row, and numbers that the table view
/// formats are numbers: clients crash otherwise (contract 3.3).
struct InstanceRows: Sendable {
    let dispatcher: Dispatcher
    let time: WallTime

    func row(_ instance: Instance) -> InstanceRow {
        let isConnected = dispatcher.isConnected(instance.machineID)
        let status = isConnected ? instance.status.rawValue : "offline"
        let intended = instance.status.isRunning ? "running" : "stopped"
        let started = instance.startedAt ?? instance.createdAt
        let uptime = instance.status.isRunning ? max(0, time.now() - started) / 60 : 0
        return [
            "id": .int(instance.id),
            "machine_id": .int(instance.machineID),
            "host_id": .int(instance.machineID),
            "actual_status": .string(status),
            "intended_status": .string(intended),
            "cur_state": .string(intended),
            "next_state": .string(intended),
            "status_msg": .string(instance.statusMessage ?? ""),
            "label": .string(instance.label ?? instance.name),
            "image_uuid": .string(instance.image),
            "image_runtype": .string("args"),
            "container_id": .string(instance.containerID),
            "start_date": .double(started),
            "uptime_mins": .double(uptime),
            "extra_env": .array(instance.environment.map { .array($0.map { .string($0) }) }),
            "ports": .object([:]),
            "public_ipaddr": .string(""),
            "ssh_host": .null,
            "ssh_port": .null,
            "num_gpus": .int(0),
            "gpu_name": .null,
            "gpu_util": .double(0),
            "gpu_ram": .double(0),
            "cpu_cores_effective": .double(0),
            "cpu_ram": .double(0),
            "cpu_util": .double(0),
            "mem_usage": .double(0),
            "disk_space": .double(0),
            "disk_usage": .double(-1),
            "disk_util": .double(-1),
            "dph_total": .double(0),
            "inet_up": .double(0),
            "inet_down": .double(0),
            "reliability2": .double(1),
            "verification": .string("verified"),
            "geolocation": .null,
            "volume_info": .array([]),
            "template_id": .null,
            "template_name": .null,
        ]
    }
}
