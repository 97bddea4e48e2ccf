import Agent
import AgentLink
import Testing

/// Written from the documented formats: proc_cpuinfo(5), proc_meminfo(5), and the manual of `nvidia-smi` (no such
/// card was at hand).
@Suite struct MachineFactsTests {
    @Test func `GPUs are read by the driver's numbers`() {
        let (gpus, driver) = NvidiaReport.gpus(
            from: """
                1, GPU-5e2f0000-1111-2222-3333-444444444444, NVIDIA A100-SXM4-80GB, 81920, [N/A], 550.54.15
                0, GPU-0a1b0000-1111-2222-3333-444444444444, NVIDIA GeForce RTX 4090, 24564, 450.00, 550.54.15

                """)
        #expect(
            gpus == [
                MachineReport.GPU(
                    index: 0, uuid: "GPU-0a1b0000-1111-2222-3333-444444444444",
                    name: "NVIDIA GeForce RTX 4090", memoryMiB: 24_564, powerLimit: 450),
                MachineReport.GPU(
                    index: 1, uuid: "GPU-5e2f0000-1111-2222-3333-444444444444",
                    name: "NVIDIA A100-SXM4-80GB", memoryMiB: 81_920, powerLimit: nil),
            ])
        #expect(driver == "550.54.15")
    }

    @Test(arguments: [
        "", "No devices were found\n", "NVIDIA-SMI has failed because it couldn't communicate",
        "0, MIG-5e2f, NVIDIA A100, 81920, 400, 550.54.15", "x, GPU-1, a, 1, 2, 3",
        "0, GPU-1, NVIDIA A100, [Unknown Error], 400, 550.54.15", "0, GPU-1",
    ])
    func `what is no GPU is passed over`(text: String) {
        #expect(NvidiaReport.gpus(from: text).gpus.isEmpty)
        #expect(NvidiaReport.gpus(from: text).driver == nil)
    }

    @Test(arguments: [
        (
            """
            +-----------------------------------------------------------------------------------------+
            | NVIDIA-SMI 550.54.15              Driver Version: 550.54.15      CUDA Version: 12.4     |
            |-----------------------------------------+------------------------+----------------------+
            """, "12.4"
        ), ("| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: N/A |", nil),
        ("", nil),
    ])
    func `the CUDA version stands in the table's head`(text: String, version: String?) {
        #expect(NvidiaReport.cudaVersion(from: text) == version)
    }

    @Test func `processors are counted and named`() {
        let cpu = HostFacts.cpu(
            from: """
                processor\t: 0
                vendor_id\t: AuthenticAMD
                model name\t: AMD EPYC 7543 32-Core Processor
                cpu MHz\t\t: 2794.748

                processor\t: 1
                model name\t: AMD EPYC 7543 32-Core Processor
                cpu MHz\t\t: 3675.120
                """)
        #expect(cpu.name == "AMD EPYC 7543 32-Core Processor")
        #expect(cpu.cores == 2)
        #expect(cpu.megahertz == 3675.120)
    }

    @Test func `an ARM machine names no clock`() {
        let cpu = HostFacts.cpu(
            from: "processor\t: 0\nBogoMIPS\t: 243.75\nCPU part\t: 0xd0c\n\nprocessor\t: 1\n")
        #expect(cpu.name == "unknown")
        #expect(cpu.cores == 2)
        #expect(cpu.megahertz == nil)
    }

    @Test func `memory is in megabytes of a million bytes`() {
        let text = "MemTotal:       24684096 kB\nMemFree:          811392 kB\n"
        #expect(HostFacts.memoryMB(from: text) == 25_276.514304)
        #expect(HostFacts.memoryMB(from: "") == 0)
    }
}
