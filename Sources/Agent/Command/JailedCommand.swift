internal import CommandPolicy
internal import ContainerEngine
internal import Glibc
internal import Jail

/// From a decision and a container to what the jail is to do.
enum JailedCommand {
    /// A container that cannot be reached into now.
    ///
    /// For the person who sent the command.
    struct Unreachable: Error, Sendable, CustomStringConvertible {
        let description: String
    }

    /// The host's tools, one for each program of the policies.
    ///
    /// A tool is named by its full path: `PATH` decides nothing.
    static func tool(_ program: String) -> String? {
        JailedPrograms.all.contains(program) ? "/usr/bin/" + program : nil
    }

    /// - Parameters:
    ///   - decision: What is to be run.
    ///   - container: Where it is to be run.
    ///   - hold: On a stopped container, which a writer needs.
    ///   - wallTime: What the caller allows; processor time is allowed as long.
    ///   - outputLimit: The most bytes of output.
    /// - Returns: What the jail is to do.
    /// - Throws: ``Unreachable``, or `JailError` when the container's mounts cannot be read.
    static func plan(
        _ decision: Decision, on container: Container, hold: (any StoppedRootHold)?,
        wallTime: Duration, outputLimit: Int64
    ) throws -> JailPlan {
        guard let program = decision.argv.first, let tool = tool(program),
            let limits = decision.limits
        else {
            throw Unreachable(
                description: "this machine has no tool for \(decision.argv.first ?? "nothing")")
        }
        guard case .overlay(let merged, let layers) = container.storage else {
            throw Unreachable(
                description:
                    "its engine keeps its files in a way that cannot be reached into (storage driver \(container.storage.driver))"
            )
        }
        let view: JailPlan.View
        var blocksLiveMounts = false
        if decision.view == .writable {
            guard let upper = layers.first, !decision.writes else {
                throw Unreachable(description: "its engine names no writable layer for it")
            }
            return plan(decision, tool, limits, .layers([upper]), wallTime, outputLimit)
        }
        var volumes = decision.attachesVolumes ? try plainVolumes(of: container) : []
        var points = container.mounts.map(\.destination).filter { point in
            !volumes.contains { $0.destination.utf8.elementsEqual(point.utf8) }
        }
        if container.isRunning {
            guard let merged else {
                throw Unreachable(description: "its engine names no root for it")
            }
            view = .merged(merged)
            let table = try MountTable.mountPoints(of: container.processID)
            if try MountTable.isAtRoot(container.processID) {
                // A volume that the engine mounted through a link of the image's is blocked at its real
                // place, which the table has.
                points = table
                blocksLiveMounts = true
                let mounted = Set(table.map { Array($0.utf8) })
                volumes.removeAll { !mounted.contains(Array($0.destination.utf8)) }
            } else {
                // Its first process has another root, and the table shows what lies below that alone.
                points += table + runtimeMountPoints
            }
        } else if decision.writes {
            guard let hold else { throw Unreachable(description: "its engine did not hold it") }
            view = .merged(hold.root)
            // The engine has mounted there what the creator declared; and where it cannot be kept from
            // starting the container, its runtime may come to mount what every container has.
            if !hold.excludesStart { points += runtimeMountPoints }
        } else {
            view = .layers(layers)
            points = []
        }
        var plan = plan(decision, tool, limits, view, wallTime, outputLimit)
        plan.volumes = volumes.sorted { $0.destination.utf8.count < $1.destination.utf8.count }
            .map {
                JailPlan.Volume(
                    source: $0.source, destination: $0.destination, isWritable: $0.isWritable)
            }
        plan.blockers = MountTable.topmost(points, except: volumes.map(\.destination))
        plan.blocksLiveMounts = blocksLiveMounts
        return plan
    }

    /// What does not depend on the container's mounts.
    private static func plan(
        _ decision: Decision, _ tool: String, _ limits: CommandLimits, _ view: JailPlan.View,
        _ wallTime: Duration, _ outputLimit: Int64
    ) -> JailPlan {
        JailPlan(
            tool: tool, arguments: decision.argv, view: view, writes: decision.writes,
            guards: decision.guards, protected: decision.protected, paths: decision.paths ?? [],
            wantsMagicDatabase: decision.argv.first == "file",
            limits: JailLimits(
                wallTime: wallTime,
                cpuSeconds: limits.cpuSeconds ?? max(1, Int(wallTime.components.seconds)),
                memoryByteCount: limits.memoryBytes,
                outputByteCount: min(Int(outputLimit), limits.outputBytes ?? .max)))
    }

    /// The layer that holds what the instance has written itself, on this host.
    static func writableLayer(of container: Container) throws -> String {
        guard case .overlay(_, let layers) = container.storage, let upper = layers.first else {
            throw Unreachable(description: "its engine names no writable layer for it")
        }
        return upper
    }

    /// The volumes that are folders of the engine's own.
    ///
    /// One that stands for something else – a folder of the host, another machine's – is a mount on the
    /// host, and as little a part of the view as a bind.
    private static func plainVolumes(of container: Container) throws -> [Container.Mount] {
        let volumes = container.mounts.filter { $0.kind == "volume" }
        guard !volumes.isEmpty else { return [] }
        let hostPoints = Set(try MountTable.mountPoints(of: getpid()).map { Array($0.utf8) })
        return volumes.filter { !hostPoints.contains(Array($0.source.utf8)) }
    }

    /// Where container runtimes mount something of their own (OCI runtime specification, "Default
    /// Filesystems", and what Podman adds).
    private static let runtimeMountPoints = [
        "/proc", "/sys", "/dev", "/run/secrets", "/run/.containerenv", "/etc/hosts",
        "/etc/hostname",
        "/etc/resolv.conf",
    ]
}

extension Container.Storage {
    /// The driver's name, for people.
    fileprivate var driver: String {
        switch self {
        case .overlay: "overlay"
        case .unsupported(let driver): driver
        }
    }
}
