import Testing
import VastAPI

@testable import BoathookCLI

@Suite struct InstanceWaitTests {
    private func row(
        _ status: String?, _ message: String = "", isSettled: Bool? = nil,
        container: String? = "c1",
        start: Double = 1, wish: String = "running"
    ) -> InstanceRow {
        var row: InstanceRow = [
            "actual_status": .optional(status), "status_msg": .string(message),
            "container_id": .optional(container), "start_date": .double(start),
            "intended_status": .string(wish),
        ]
        row["is_settled"] = isSettled.map { .bool($0) }
        return row
    }

    private func progress(
        _ goal: InstanceWait.Goal, _ row: InstanceRow?, since former: InstanceRow? = nil
    ) -> InstanceWait.Progress {
        InstanceWait.progress(to: goal, of: row, since: former)
    }

    @Test func `a new instance on its way`() {
        #expect(progress(.running, row(nil, container: nil)) == .pending("waiting for its machine"))
        let pulling = row("loading", "pulling debian: 12 of 48 MB", container: nil)
        #expect(progress(.running, pulling) == .pending("loading, pulling debian: 12 of 48 MB"))
        #expect(progress(.running, row("created")) == .pending("created"))
        #expect(progress(.running, row("running")) == .done)
        #expect(progress(.running, row("running", isSettled: false)) == .pending("running"))
        #expect(
            progress(.running, row("exited", "Error: no such image"))
                == .failed("Error: no such image"))
        #expect(
            progress(.running, row("exited", isSettled: true)) == .failed("its program has ended"))
        #expect(progress(.running, nil) == .failed("it is gone"))
    }

    @Test func `what was so before is no news`() {
        let failed = row("exited", "Error: no such image")
        #expect(
            progress(.running, failed, since: failed) == .pending("exited, Error: no such image"))
        let stopped = row("exited")
        #expect(progress(.running, stopped, since: stopped) == .pending("exited"))
        #expect(
            progress(.running, row("exited", "Error: its GPU is in use"), since: stopped)
                == .failed("Error: its GPU is in use"))
    }

    @Test func `stopped, and made`() {
        #expect(progress(.stopped, row("running", wish: "stopped")) == .pending("running"))
        #expect(progress(.stopped, row("exited", wish: "stopped")) == .done)
        #expect(
            progress(.stopped, row("exited", isSettled: false, wish: "stopped"))
                == .pending("exited"))
        #expect(progress(.made, row("created", wish: "stopped")) == .done)
        #expect(
            progress(.made, row("loading", container: nil, wish: "stopped")) == .pending("loading"))
    }

    @Test func `started anew, and another container`() {
        let former = row("running")
        #expect(progress(.restarted, former, since: former) == .pending("running"))
        #expect(progress(.restarted, row("running", start: 2), since: former) == .done)
        #expect(progress(.renewed, former, since: former) == .pending("running"))
        #expect(
            progress(.renewed, row("created", container: "c2"), since: former)
                == .pending("created"))
        #expect(progress(.renewed, row("running", container: "c2"), since: former) == .done)
        #expect(
            progress(.renewed, row("running", isSettled: false, container: "c2"), since: former)
                == .pending("running"))
        #expect(
            progress(.renewed, row("created", container: "c2", wish: "stopped"), since: former)
                == .done)
    }

    @Test func `a reboot that is lost is told at once`() {
        // A reboot is not wished, so it is always settled.
        let former = row("running", isSettled: true)
        func reboot(_ now: InstanceRow) -> InstanceWait.Progress {
            progress(.restarted, now, since: former)
        }
        #expect(reboot(row("exited", isSettled: true)) == .ended("exited"))
        #expect(
            reboot(row("exited", isSettled: true, start: 2)) == .failed("its program has ended"))
        #expect(
            reboot(row("exited", "no such device", isSettled: true)) == .failed("no such device"))
        #expect(
            reboot(row("exited", "Error: no such device", isSettled: true, start: 2))
                == .failed("Error: no such device"))
        #expect(reboot(row("offline", isSettled: true)) == .pending("offline"))
        // A complaint from before is no news.
        let complained = row("running", "disk is slow", isSettled: true)
        #expect(
            progress(
                .restarted, row("exited", "disk is slow", isSettled: true), since: complained)
                == .ended("exited, disk is slow"))
    }

    @Test func `a new container whose program has ended is told at once`() {
        let former = row("running", isSettled: true)
        func recycled(_ now: InstanceRow) -> InstanceWait.Progress {
            progress(.renewed, now, since: former)
        }
        #expect(
            recycled(row("exited", isSettled: true, container: "c2"))
                == .failed("its program has ended"))
        #expect(recycled(row("exited", isSettled: true)) == .pending("exited"))
        #expect(recycled(row("exited", container: "c2")) == .pending("exited"))
        #expect(
            recycled(row("exited", isSettled: true, container: "c2", wish: "stopped")) == .done)
    }

    @Test func `gone`() {
        #expect(progress(.gone, row("running"), since: row("running")) == .pending("running"))
        #expect(progress(.gone, nil, since: row("running")) == .done)
    }

    /// Its row is hidden at once: what is waited for is the machine's word.
    @Test func `gone, by what its destruction says`() {
        func destroyed(_ state: String, _ status: String?, _ message: String = "")
            -> InstanceWait.Progress
        {
            progress(
                .gone,
                InstanceWait.row(
                    of: DestructionReply(
                        id: 7, state: state, actualStatus: status, statusMessage: message)),
                since: row("exited", "Error: no such image"))
        }
        #expect(destroyed("pending", "running") == .pending("running"))
        #expect(destroyed("pending", "offline") == .pending("offline"))
        #expect(destroyed("pending", nil) == .pending("waiting for its machine"))
        #expect(
            destroyed("pending", "exited", "Error: the engine does not answer")
                == .failed("Error: the engine does not answer"))
        #expect(destroyed("none", "running") == .pending("running"))
        #expect(destroyed("done", nil) == .done)
    }

    /// Neither one that says nothing nor one that is away may take longer than was asked for.
    @Test(
        .timeLimit(.minutes(3)),
        arguments: [
            StubServer.Answer.silence, StubServer.Answer("502 Bad Gateway", "text/html", "x"),
        ])
    func `its time is over whatever the server does`(answer: StubServer.Answer) async throws {
        let server = try await StubServer { _, _ in answer }
        let wait = InstanceWait(client: server.client(.patient), goal: .running, since: nil)
        let error = try await clientError {
            try await wait(for: [7, 8], patience: .milliseconds(300))
        }
        #expect(error?.exitCode == 124)
        #expect(error?.description.contains("instance 7: ") == true)
    }
}
