import ArgumentParser
import Testing

@testable import BoathookCLI

@Suite struct CopyTests {
    @Test(
        arguments: [
            ("7:/workspace/", .instance(7, "/workspace/")), ("C.7:data", .instance(7, "data")),
            ("7:", .instance(7, "")), ("7", .instance(7, "/")), ("7:a:b", .instance(7, "a:b")),
            ("local:data/", .local("data/")), ("local:7", .local("7")), ("data", .local("data")),
            ("./a:b", .local("./a:b")), ("/7:x", .local("/7:x")), ("", .local("")),
            ("s3.101:/data", .elsewhere("s3.101", "/data")), ("V.7:/x", .elsewhere("V.7", "/x")),
            ("-1:/x", .elsewhere("-1", "/x")), ("C.x:/x", .elsewhere("C.x", "/x")),
        ] as [(String, CopyPlace)])
    func `places are read as upstream's client reads them`(text: String, place: CopyPlace) {
        #expect(CopyPlace(text) == place)
    }

    private func rsync(
        _ direction: Rsync.Direction, _ local: String = "data/", address: String = "203.0.113.7",
        port: Int = 40_022, identity: String? = nil, isTold: Bool = true, isWatched: Bool = false
    ) throws -> [String] {
        try Rsync(
            direction: direction, local: local, instanceID: 7, remote: "/two words/",
            address: address, port: port, identity: identity, isTold: isTold, isWatched: isWatched
        ).arguments()
    }

    private let ssh = "ssh -p 40022 -o StrictHostKeyChecking=accept-new"

    @Test func `rsync is told both places as words of their own`() throws {
        #expect(
            try rsync(.upload) == [
                "rsync", "-az", "-v", "-e", ssh, "--", "./data/",
                "vastai_kaalia@203.0.113.7::7/two words/",
            ])
        #expect(
            try rsync(.download, "/tmp/x", isWatched: true) == [
                "rsync", "-az", "--no-devices", "--no-specials", "--chmod=ug-s", "-v", "--progress",
                "-e", ssh, "--", "vastai_kaalia@203.0.113.7::7/two words/", "/tmp/x",
            ])
        #expect(try !rsync(.upload, isTold: false, isWatched: true).contains("-v"))
        #expect(try !rsync(.upload, isTold: false, isWatched: true).contains("--progress"))
    }

    @Test func `no name becomes an option, a host or a command`() throws {
        for name in ["-e sh", "a:b", "host::module", "$(reboot)", "; reboot"] {
            #expect(try rsync(.upload, name).suffix(3).prefix(2) == ["--", "./" + name])
        }
        #expect(
            try rsync(.upload, identity: "/my keys/it's").contains(
                ssh + " -i '/my keys/it''s'"))
        for address in ["", "-oProxyCommand=reboot", "a b", "a/b", "a'b", "a\nb"] {
            #expect(throws: ClientError.self) { try rsync(.upload, address: address) }
        }
        for port in [0, -1, 65_536] {
            #expect(throws: ClientError.self) { try rsync(.upload, port: port) }
        }
        #expect(
            try rsync(.upload, address: "[2001:db8::7]").last?.contains("[2001:db8::7]") == true)
    }
}
