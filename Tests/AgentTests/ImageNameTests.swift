import ContainerEngine
import Testing

@Suite struct ImageNameTests {
    static let digest = "sha256:" + String(repeating: "0f", count: 32)

    @Test(arguments: [
        ("debian", "debian:latest", "docker.io"), ("debian:12", "debian:12", "docker.io"),
        ("team/app", "team/app:latest", "docker.io"),
        ("localhost/app:1", "localhost/app:1", "localhost"),
        ("127.0.0.1:5000/team/app:1", "127.0.0.1:5000/team/app:1", "127.0.0.1:5000"),
        ("ghcr.io/o/n_x__y-z.a:v1.0", "ghcr.io/o/n_x__y-z.a:v1.0", "ghcr.io"),
        ("debian@\(digest)", "debian@\(digest)", "docker.io"),
        ("r.example:1/a:t@\(digest)", "r.example:1/a@\(digest)", "r.example:1"),
        // Never the id of an image: a name with a tag.
        ("56a0ee5e093c", "56a0ee5e093c:latest", "docker.io"),
    ])
    func `a name has a tag or a digest, and a registry`(
        text: String, name: String, registry: String
    ) {
        #expect(ImageName(text)?.description == name)
        #expect(ImageName(text)?.registry == registry)
    }

    @Test(arguments: [
        "", ":1", "debian:", "Debian", "a//b", "/a", "a/", "../x", "a/../b", "a/./b", "a..b", "-a",
        "a b", "a?b", "a#b", "a%2fb", "a&tag=x", "a\nb", "a:b:c", "a:.b", "a@", "a@sha256:00",
        // The engine takes these for the id of an image, whoever fetched that.
        "sha256", "sha256:" + String(repeating: "0f", count: 32),
        "sha512:" + String(repeating: "0f", count: 64),
        "a@md5:" + String(repeating: "0", count: 64), "registry.example:port/a",
        "registry.example/A", String(repeating: "a", count: 600),
    ])
    func `what the engine's paths could read otherwise is no name`(text: String) {
        #expect(ImageName(text) == nil)
    }

    @Test(arguments: [
        ("debian", "https://index.docker.io/v1/", true), ("debian", "docker.io", true),
        ("debian", "ghcr.io", false), ("ghcr.io/o/n", "https://GHCR.io", true),
        ("ghcr.io/o/n", "docker.io", false), ("ghcr.io/o/n", "ghcr.io.example", false),
        ("r.example:1/a", "http://r.example:1/v2/", true), ("r.example:1/a", "r.example", false),
    ])
    func `credentials are for one registry`(text: String, server: String, isOn: Bool) throws {
        #expect(try #require(ImageName(text)).isOn(server) == isOn)
    }
}
