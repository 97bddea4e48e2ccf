import ContainerEngine
import FoundationEssentials
import Testing

@testable import Agent

@Suite struct GuardedRepositoriesTests {
    static func image(_ text: String) throws -> ImageName { try #require(ImageName(text)) }

    @Test func `a repository is remembered on disk, with all of its tags and digests`() throws {
        let path = FileManager.default.temporaryDirectory.path + "/boathook-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try GuardedRepositories(path: path)
        try first.add(Self.image("registry.example:5000/team/app:1"))
        try first.add(Self.image("maria/app"))
        for guarded in [first, try GuardedRepositories(path: path)] {
            let digest = "sha256:" + String(repeating: "0", count: 64)
            for name in [
                "registry.example:5000/team/app:2", "registry.example:5000/team/app@\(digest)",
                "docker.io/maria/app:1", "index.docker.io/maria/app",
            ] {
                #expect(guarded.contains(try Self.image(name)), "\(name)")
            }
            for name in ["registry.example:5000/team/other:1", "registry.example/team/app", "app"] {
                #expect(!guarded.contains(try Self.image(name)), "\(name)")
            }
        }
    }

    @Test(arguments: [
        ("debian", "docker.io/library/debian"), ("docker.io/debian:12", "docker.io/library/debian"),
        ("library/debian", "docker.io/library/debian"), ("a/b/c:1", "docker.io/a/b/c"),
        ("localhost/app", "localhost/app"),
        ("registry.example:5000/app:1", "registry.example:5000/app"),
    ])
    func `each spelling of a repository is one`(name: String, repository: String) throws {
        #expect(try Self.image(name).fullRepository == repository)
    }
}
