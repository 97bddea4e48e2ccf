import Foundation
import Testing
import VastAPI

@testable import BoathookCLI

@Suite struct ClientErrorTests {
    @Test func `what a server says of a refusal is kept for programs`() throws {
        let body =
            #"{"success": false, "error": "invalid_args", "msg": "No.", "denial": {"code": "glob"}}"#
        let error = ClientError("No.", status: 400, body: Data(body.utf8))
        for error in [error, error.ending(with: 1), error.ending(with: 1, about: "A_NAME")] {
            let reply = try #require(error.reply?.object)
            #expect(reply["denial"] == .object(["code": .string("glob")]))
            #expect(error.status == 400)
        }
        #expect(error.ending(with: 1).description == "No." && error.ending(with: 1).exitCode == 1)
        #expect(error.ending(with: 1, about: "A_NAME").description == "A_NAME: No.")
    }

    @Test(arguments: ["", "<html>Bad Gateway</html>", "[]", "\"no\"", "{"])
    func `what is none of the API's is not passed on`(body: String) {
        #expect(ClientError("502", status: 502, body: Data(body.utf8)).reply == nil)
        #expect(ClientError("no key").reply == nil)
    }
}
