internal import CommandPolicy
internal import ContainerEngine
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
    static let tools = ["ls": "/usr/bin/ls", "rm": "/usr/bin/rm", "du": "/usr/bin/du"]

    /// - Parameters:
    ///   - decision: What is to be run.
    ///   - container: Where it is to be run.
    ///   - hold: On a stopped container, which a writer needs.
    ///   - wallTime: What the caller allows; processor time is allowed as long.
    /// - Returns: What the jail is to do.
    /// - Throws: ``Unreachable``, or `JailError` when the container's mounts cannot be read.
    static func plan(
        _ decision: Decision, on container: Container, hold: (any StoppedRootHold)?,
        wallTime: Duration
    ) throws -> JailPlan {
        guard let program = decision.argv.first, let tool = tools[program],
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
        var blockers: [String] = []
        var volumes = container.mounts.filter { $0.kind == "volume" }
        if container.isRunning {
            guard let merged else {
                throw Unreachable(description: "its engine names no root for it")
            }
            view = .merged(merged)
            let points = try MountTable.mountPoints(of: container.processID)
            // One that the engine mounted through a link of the image's is blocked at its real place.
            let mounted = Set(points.map { Array($0.utf8) })
            volumes.removeAll { !mounted.contains(Array($0.destination.utf8)) }
            blockers = MountTable.topmost(points, except: volumes.map(\.destination))
        } else if decision.writes {
            guard let hold else { throw Unreachable(description: "its engine did not hold it") }
            view = .merged(hold.root)
            // The engine has mounted there what the creator declared; and where it cannot be kept from
            // starting the container, its runtime may come to mount what every container has.
            let declared = container.mounts.filter { $0.kind != "volume" }.map(\.destination)
            blockers = MountTable.topmost(
                declared + (hold.excludesStart ? [] : runtimeMountPoints), except: [])
        } else {
            view = .layers(layers)
        }
        return JailPlan(
            tool: tool, arguments: decision.argv, view: view, writes: decision.writes,
            volumes: volumes.sorted { $0.destination.utf8.count < $1.destination.utf8.count }.map {
                JailPlan.Volume(
                    source: $0.source, destination: $0.destination, isWritable: $0.isWritable)
            },
            blockers: blockers, guards: decision.guards,
            limits: JailLimits(
                wallTime: wallTime,
                cpuSeconds: max(limits.cpuSeconds, Int(wallTime.components.seconds)),
                memoryByteCount: limits.memoryBytes, outputByteCount: limits.outputBytes))
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
