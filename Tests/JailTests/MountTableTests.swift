import Glibc
import Jail
import Testing

@Suite struct MountTableTests {
    @Test func `topmost points cover what lies below them, and exceptions cover nothing`() {
        let points = [
            "/proc", "/proc/bus", "/dev", "/dev/pts", "/devices", "/data", "/data/inner",
            "/data/inner/x",
            "/etc/hosts",
        ]
        #expect(
            Set(MountTable.topmost(points, except: ["/data"]))
                == ["/proc", "/dev", "/devices", "/data/inner", "/etc/hosts"])
        #expect(MountTable.topmost([], except: []) == [])
    }

    @Test func `this process's own table can be read and has no root in it`() throws {
        let points = try MountTable.mountPoints(of: getpid())
        #expect(points.contains("/proc"))
        #expect(!points.contains("/"))
        #expect(points == points.sorted())
    }

    @Test func `a process that is gone is an error`() {
        #expect(throws: JailError.self) { try MountTable.mountPoints(of: .max) }
    }
}
