/// What a machine has and what of it is left: told after each attachment, and when it has changed.
package struct MachineReport: Sendable, Hashable, Codable {
    /// One graphics processor, as `nvidia-smi` describes it.
    package struct GPU: Sendable, Hashable, Codable {
        /// As the driver numbers it on this machine.
        package var index: Int
        /// The driver's lasting name for it, such as `GPU-5e2f…`.
        package var uuid: String
        /// Such as `NVIDIA GeForce RTX 4090`.
        package var name: String
        /// In MiB.
        package var memoryMiB: Double
        /// Watts; nil where the driver does not say.
        package var powerLimit: Double?

        enum CodingKeys: String, CodingKey {
            case index, uuid, name
            case memoryMiB = "memory_mib"
            case powerLimit = "power_limit"
        }

        package init(
            index: Int, uuid: String, name: String, memoryMiB: Double, powerLimit: Double?
        ) {
            self.index = index
            self.uuid = uuid
            self.name = name
            self.memoryMiB = memoryMiB
            self.powerLimit = powerLimit
        }
    }

    package var hostname: String
    /// Another one after each start of the machine (`/proc/sys/kernel/random/boot_id`, random(4)).
    package var bootID: String
    /// Such as `Docker 28.2.2`.
    package var engine: String
    /// `amd64` or `arm64`, as image registries say.
    package var architecture: String
    package var cpuName: String
    package var cpuCores: Int
    /// The highest clock of a core in GHz; nil where the kernel does not say.
    package var cpuGHz: Double?
    /// In MB of 10^6 bytes, as the rest of upstream's numbers of memory.
    package var memoryMB: Double
    /// Where the engine keeps containers: in GB of 10^9 bytes.
    package var diskGB: Double
    package var diskFreeGB: Double
    package var gpus: [GPU]
    /// The GPU driver's version, and the highest CUDA version that it carries; nil without GPUs.
    package var driverVersion: String?
    package var cudaVersion: String?
    /// How many instances there may be at a time.
    package var slots: Int
    /// Where callers from outside reach the ports of instances: an address or a name.
    package var publicAddress: String
    /// Dollars an hour: for the whole machine when it has no GPU, else for each of them.
    package var price: Double
    /// Where it stands, such as `Oslo, NO`; for people.
    package var location: String?

    enum CodingKeys: String, CodingKey {
        case hostname, engine, architecture, gpus, slots, price, location
        case bootID = "boot_id"
        case cpuName = "cpu_name"
        case cpuCores = "cpu_cores"
        case cpuGHz = "cpu_ghz"
        case memoryMB = "memory_mb"
        case diskGB = "disk_gb"
        case diskFreeGB = "disk_free_gb"
        case driverVersion = "driver_version"
        case cudaVersion = "cuda_version"
        case publicAddress = "public_address"
    }

    package init(
        hostname: String, bootID: String, engine: String, architecture: String, cpuName: String,
        cpuCores: Int,
        cpuGHz: Double? = nil, memoryMB: Double, diskGB: Double, diskFreeGB: Double,
        gpus: [GPU] = [], driverVersion: String? = nil, cudaVersion: String? = nil,
        slots: Int, publicAddress: String, price: Double = 0, location: String? = nil
    ) {
        self.hostname = hostname
        self.bootID = bootID
        self.engine = engine
        self.architecture = architecture
        self.cpuName = cpuName
        self.cpuCores = cpuCores
        self.cpuGHz = cpuGHz
        self.memoryMB = memoryMB
        self.diskGB = diskGB
        self.diskFreeGB = diskFreeGB
        self.gpus = gpus
        self.driverVersion = driverVersion
        self.cudaVersion = cudaVersion
        self.slots = slots
        self.publicAddress = publicAddress
        self.price = price
        self.location = location
    }
}

/// How far the agent is with a wish for an instance.
package struct InstanceProgress: Sendable, Hashable, Codable {
    /// How it goes on.
    package enum Phase: String, Sendable, Hashable, Codable {
        /// The image is being fetched, or the container made.
        case loading
        /// It did not come about; the agent may still be trying, or waits for another wish or the next link.
        case failed
        /// The wish was carried out; what the container does from then on is its own affair, and the
        /// wish is not sent again.
        case done
        /// There is no container, as wished; the wish is carried out.
        case gone
    }

    package var instanceID: Int64
    /// ``InstanceOrder/number`` of the wish.
    package var number: Int64
    package var phase: Phase
    /// For people: `pulling debian: 12 of 48 MB`, or what went wrong.
    package var message: String

    enum CodingKeys: String, CodingKey {
        case number, phase, message
        case instanceID = "instance_id"
    }

    package init(instanceID: Int64, number: Int64, phase: Phase, message: String) {
        self.instanceID = instanceID
        self.number = number
        self.phase = phase
        self.message = message
    }
}
