import Foundation
import Testing

@testable import ContainerEngine

/// What Docker 20.10.24 and Podman 4.3.1 were seen to say.
@Suite struct EngineRepliesTests {
    @Test func `Docker tells the bytes of layers as they come`() {
        var report = PullReport()
        #expect(report.progress.description == nil)
        for line in [
            #"{"status":"Pulling from team/small","id":"1"}"#,
            #"{"status":"Pulling fs layer","progressDetail":{},"id":"ae680ba44dfc"}"#,
            #"{"status":"Already exists","progressDetail":{},"id":"56a0ee5e093c"}"#,
            #"{"status":"Downloading","progressDetail":{"current":12400000,"total":48000000},"progress":"[=>  ]","id":"ae680ba44dfc"}"#,
        ] { report.read(line: line.utf8) }
        #expect(report.progress.description == "12 of 48 MB")
        for line in [
            #"{"status":"Verifying Checksum","progressDetail":{},"id":"ae680ba44dfc"}"#,
            #"{"status":"Download complete","progressDetail":{},"id":"ae680ba44dfc"}"#,
            #"{"status":"Extracting","progressDetail":{"current":32768,"total":48000000},"id":"ae680ba44dfc"}"#,
        ] { report.read(line: line.utf8) }
        #expect(report.progress.description == "48 of 48 MB")
        #expect(report.progress.layers == 1)
        report.read(
            line: #"{"status":"Pull complete","progressDetail":{},"id":"ae680ba44dfc"}"#.utf8)
        #expect(report.progress.layers == 2)
        #expect(report.failure == nil)
    }

    @Test func `what a container gets from its image is counted, however the image has it`() throws
    {
        func byteCount(_ configuration: String) throws -> Int? {
            try JSONDecoder().decode(
                FoundImage.self, from: Data(#"{"Id":"sha256:1","Config":\#(configuration)}"#.utf8)
            ).configuration?.byteCount
        }
        #expect(try byteCount("null") == nil)
        #expect(try byteCount(#"{"Env":null,"Cmd":null,"Labels":null}"#) == 0)
        let long = String(repeating: "x", count: 1000)
        for configuration in [
            #"{"Labels":{"a":"\#(long)"}}"#, #"{"Labels":{"\#(long)":""}}"#,
            #"{"Env":["\#(long)"]}"#,
            #"{"Cmd":["\#(long)"]}"#, #"{"Entrypoint":["\#(long)"]}"#,
            #"{"ExposedPorts":{"\#(long)":{}}}"#, #"{"Volumes":{"\#(long)":{}}}"#,
            #"{"Healthcheck":{"Test":["CMD","\#(long)"],"Interval":1000000}}"#,
            #"{"User":"\#(long)","WorkingDir":""}"#,
        ] {
            let count = try #require(try byteCount(configuration), "\(configuration)")
            #expect((1000...1020).contains(count), "\(configuration)")
        }
        // As the engine writes them.
        #expect(try byteCount(#"{"Env":["\u0001\""]}"#) == 11)
    }

    @Test func `Podman counts layers`() {
        var report = PullReport()
        for line in [
            #"{"status":"Pulling fs layer","progressDetail":{},"id":"ae680ba44dfc"}"#,
            #"{"status":"Download complete","progressDetail":{},"id":"ae680ba44dfc"}"#,
            #"{"status":"Pulling fs layer","progressDetail":{},"id":"56a0ee5e093c"}"#,
        ] { report.read(line: line.utf8) }
        #expect(report.progress.description == "1 of 2 layers")
    }

    @Test func `a line with an error is the end, and no number breaks the sums`() {
        var report = PullReport()
        for id in 0..<2000 {
            report.read(
                line:
                    #"{"status":"Downloading","progressDetail":{"current":-5,"total":9223372036854775807},"id":"\#(id)"}"#
                    .utf8)
        }
        #expect(report.progress.layerCount == 512)
        #expect(report.progress.bytes == 0)
        report.read(
            line: #"{"progressDetail":{},"errorDetail":{"message":"no"},"error":"no"}"#.utf8)
        report.read(line: "no JSON".utf8)
        #expect(report.failure == "no")
    }

    @Test(arguments: [
        ("manifest for r/a:1 not found: manifest unknown: manifest unknown", 404, true),
        ("reading manifest 1 in r/a: manifest unknown: manifest unknown", 200, true),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", 200, true),
        ("invalid reference format: repository name must be lowercase", 400, true),
        ("unauthorized: authentication required", 500, true),
        ("Head \"http://r/v2/a/manifests/2\": no basic auth credentials", 500, true),
        ("pull access denied for a, repository does not exist", 404, true),
        ("Get \"http://r/v2/\": dial tcp: connect: connection refused", 500, false),
        ("toomanyrequests: You have reached your pull rate limit.", 500, false),
        ("write /data: no space left on device", 200, false),
    ])
    func `a pull is tried again only if that can help`(
        message: String, status: Int, isFinal: Bool
    ) {
        let error = PullFailure.error(message, status: status)
        #expect((error.code == .impossible) == isFinal)
        #expect(error.message == message)
    }

    @Test(arguments: [
        ("exec: \"/nope\": stat /nope: no such file or directory: unknown", 400, "impossible"),
        ("runc: exec: \"nope\": executable file not found in $PATH: OCI", 500, "impossible"),
        (
            "runc: exec: \"/etc/passwd\": permission denied: OCI permission denied", 500,
            "impossible"
        ),
        ("could not select device driver \"nvidia\" with capabilities: [[gpu]]", 500, "refused"),
        ("Bind for 0.0.0.0:40004 failed: port is already allocated", 500, "refused"),
        ("mkdir /data/x: no such file or directory", 500, "refused"),
        ("No such container: 0f", 404, "no_container"),
    ])
    func `a start is tried again only if that can help`(
        message: String, status: Int, code: String
    ) {
        #expect(StartFailure.error(message, status: status).code.description == code)
    }

    @Test(arguments: [
        ("--storage-opt is supported only for overlay over xfs with 'pquota'", 500, "no_quotas"),
        ("Filesystem does not support, or has not enabled quotas", 500, "no_quotas"),
        (
            "Conflict. The container name \"/a\" is already in use by container \"0f\".", 409,
            "name_taken"
        ),
        ("the container name \"b1\" is already in use by 9b02.", 500, "name_taken"),
        ("invalid hostname", 400, "impossible"), ("No such image: a:1", 404, "refused"),
    ])
    func `a creation fails for a reason`(message: String, status: Int, code: String) {
        #expect(CreateFailure.error(message, status: status).code.description == code)
    }

    @Test(arguments: [
        (#""Status": "exited", "ExitCode": 3, "OOMKilled": false"#, Container.End(code: 3)),
        (
            #""Status": "exited", "ExitCode": 137, "OOMKilled": true"#,
            .init(code: 137, wasOutOfMemory: true)
        ),
        (#""Status": "running", "ExitCode": 0, "OOMKilled": false"#, nil),
        (#""Status": "created", "ExitCode": 0"#, nil), (#""Status": "exited""#, nil),
    ])
    func `what has ended has a status`(state: String, end: Container.End?) throws {
        let json = #"{"Id": "0f", "Name": "/a", "State": {"Pid": 0, \#(state)}}"#
        let container = try JSONDecoder().decode(
            InspectedContainer.self, from: Data(json.utf8)
        ).container
        #expect(container.end == end)
    }

    @Test func `ports that nobody mapped are none, and the others are in order`() throws {
        let json = """
            {"Id": "0f", "Name": "/a", "State": {"Status": "running", "Pid": 1},
             "NetworkSettings": {"Ports": {
                "8080/tcp": [{"HostIp": "0.0.0.0", "HostPort": "40002"}, {"HostIp": "::", "HostPort": "40002"}],
                "443/tcp": null, "22/tcp": [{"HostIp": "0.0.0.0", "HostPort": "40001"}],
                "80/tcp": [{"HostIp": "", "HostPort": ""}]}}}
            """
        let container = try JSONDecoder().decode(
            InspectedContainer.self, from: Data(json.utf8)
        ).container
        #expect(
            container.ports == [
                .init(port: "22/tcp", hostAddress: "0.0.0.0", hostPort: 40_001),
                .init(port: "8080/tcp", hostAddress: "0.0.0.0", hostPort: 40_002),
                .init(port: "8080/tcp", hostAddress: "::", hostPort: 40_002),
            ])
    }
}
