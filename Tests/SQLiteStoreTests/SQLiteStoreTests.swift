import Foundation
import SQLiteStore
import StoreConformance
import Testing

@Suite struct SQLiteStoreTests {
    @Test(arguments: StoreConformance<SQLiteStore>.checks)
    func `the embedded store conforms`(check: StoreConformance<SQLiteStore>.Check) async throws {
        try await withTemporaryFolder { folder in
            let store = try SQLiteStore(path: folder + "/db")
            let findings = try await check.run(StoreConformance(store))
            #expect(findings.isEmpty, "\(findings)")
        }
    }

    @Test func `what was written is there when the file is opened again`() async throws {
        try await withTemporaryFolder { folder in
            let account = try await SQLiteStore(path: folder + "/db").ensureAccount(named: "maria")
            let again = try await SQLiteStore(path: folder + "/db").account(named: "maria")
            #expect(again == account)
        }
    }
}

func withTemporaryFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try await body(folder.path)
}
