import Foundation
import Testing

@testable import BoathookCLI

@Suite struct KeptKeyTests {
    /// A folder with a home in it, and a server's data.
    private func withFolder(_ body: (_ home: String, _ data: String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "boathook-test-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["home", "data"] {
            try FileManager.default.createDirectory(
                at: folder.appending(path: name), withIntermediateDirectories: true)
        }
        try body(folder.path + "/home", folder.path + "/data")
    }

    @Test(arguments: [
        "http://127.0.0.1:8787", "http://127.1.2.3/", "http://[::1]:8787", "https://localhost",
        "HTTP://LocalHost:1/boathook",
    ])
    func `the server's own key goes to this machine`(url: String) throws {
        try withFolder { home, data in
            try Data("secret\n".utf8).write(to: URL(filePath: data + "/admin.key"))
            let environment = ["HOME": home, "BOATHOOK_DATA_DIR": data]
            #expect(KeptKey.found(for: url, environment) == "secret")
        }
    }

    @Test(arguments: [
        "https://boathook.example", "http://127.0.0.1.boathook.example", "http://192.0.2.7:8787",
        "http://localhost@boathook.example", "http://127.0.0.1:8787@boathook.example",
        "http://boathook.example/127.0.0.1", "http://boathook.example#localhost",
        "http://localhost.boathook.example", "http://[::2]", "http://[2001:db8::1]", "http://",
        "ftp://localhost", "localhost", "",
    ])
    func `the server's own key goes to no other machine; a kept one does`(url: String) throws {
        try withFolder { home, data in
            try Data("secret\n".utf8).write(to: URL(filePath: data + "/admin.key"))
            let environment = ["HOME": home, "BOATHOOK_DATA_DIR": data]
            #expect(KeptKey.found(for: url, environment) == nil)
            _ = try KeptKey.keep("mine", environment)
            #expect(KeptKey.found(for: url, environment) == "mine")
        }
    }

    @Test func `a folder that is no absolute path says nothing`() throws {
        try withFolder { home, _ in
            for folder in ["relative", "./relative", ""] {
                let environment = ["HOME": home, "XDG_CONFIG_HOME": folder]
                let path = try KeptKey.keep("mine", environment)
                #expect(path == home + "/.config/boathook/api-key")
                #expect(KeptKey.found(for: "http://localhost", environment) == "mine")
            }
            let environment = ["HOME": home, "XDG_CONFIG_HOME": home + "/other"]
            #expect(try KeptKey.keep("mine", environment) == home + "/other/boathook/api-key")
        }
    }
}
