import ControlPlane
import Testing

@Suite struct AuditChainTests {
    // What the chain is, by an independent computation:
    // python3 -c "import hashlib, struct; h = b'\0' * 32; b = BODY
    // for n in (1, 2): h = hashlib.sha256(h + struct.pack('>q', n) + b).digest(); print(h.hex())"
    @Test func `a link is SHA-256 of the link before it, the number and the body`() throws {
        let entry = AuditEntry(
            time: 1_764_093_083.125, event: .commandDenied, accountID: 1, keyID: 2, instanceID: 3,
            text: "ls /\u{e9}; \"x\"\n", detail: "not_found")
        let body = try entry.body()
        #expect(
            body == """
                {"account":1,"detail":"not_found","event":"command.denied","instance":3,"key":2,\
                "text":"ls /\u{e9}; \\"x\\"\\n","time":1764093083.125}
                """)
        let one = AuditHash(after: .start, sequence: 1, body: body.utf8)
        let two = AuditHash(after: one, sequence: 2, body: body.utf8)
        #expect("\(one)" == "136ce4de28493c4739218b54c4edf144bbff6cc7541653d9db0543bc8c078a69")
        #expect("\(two)" == "4e6ad5806309ec1bf384c0adeecd9cda08dd4c37056efcd277dbbb4b1e127d13")
    }

    @Test func `an intact chain ends at its head`() throws {
        let records = try chain(of: 5)
        #expect(try walk(records) == records.head)
        #expect(try walk([]) == .start)
        for witness in records.indices.map({ [AuditRecord](records[...$0]).head }) {
            #expect(try walk(records, witness: witness) == records.head)
        }
        #expect(try walk(records, witness: .start) == records.head)
    }

    /// One change of a log of five, and what is to be found.
    struct Tampering: Sendable, CustomStringConvertible {
        var description: String
        var found: AuditBreak
        var change: @Sendable (inout [AuditRecord]) throws -> Void
    }

    @Test(arguments: [
        Tampering(description: "a changed body", found: .hashDiffers(3)) {
            $0[2] = AuditRecord(
                sequence: 3, body: try AuditEntry(time: 9, event: .keyCreated).bytes(),
                hash: $0[2].hash)
        },
        Tampering(description: "a body with one more blank", found: .hashDiffers(3)) {
            $0[2] = AuditRecord(sequence: 3, body: $0[2].body + [0x20], hash: $0[2].hash)
        },
        Tampering(description: "a changed body with a hash that fits it", found: .hashDiffers(4)) {
            $0[2] = .linked(
                after: $0[1], body: try AuditEntry(time: 9, event: .keyCreated).bytes())
        },
        Tampering(description: "a changed hash", found: .hashDiffers(5)) {
            $0[4] = AuditRecord(sequence: 5, body: $0[4].body, hash: $0[3].hash)
        },
        Tampering(description: "a short hash", found: .hashDiffers(1)) {
            $0[0] = AuditRecord(
                sequence: 1, body: $0[0].body,
                hash: AuditHash(bytes: Array($0[0].hash.bytes.prefix(31))))
        },
        Tampering(description: "an entry that is missing", found: .gap(expected: 3, found: 4)) {
            $0.remove(at: 2)
        },
        Tampering(description: "a first entry that is missing", found: .gap(expected: 1, found: 2))
        {
            $0.removeFirst()
        },
        Tampering(description: "a missing one, renumbered", found: .hashDiffers(3)) { records in
            records.remove(at: 2)
            for index in 2...3 {
                records[index] = AuditRecord(
                    sequence: records[index].sequence - 1, body: records[index].body,
                    hash: records[index].hash)
            }
        },
        Tampering(description: "two that changed places", found: .hashDiffers(2)) { records in
            let (two, three) = (records[1], records[2])
            records[1] = AuditRecord(sequence: 2, body: three.body, hash: three.hash)
            records[2] = AuditRecord(sequence: 3, body: two.body, hash: two.hash)
        },
        Tampering(description: "one twice", found: .gap(expected: 3, found: 2)) {
            $0.insert($0[1], at: 2)
        },
        Tampering(description: "one before the first", found: .gap(expected: 1, found: 0)) {
            $0.insert(AuditRecord(sequence: 0, body: $0[0].body, hash: .start), at: 0)
        },
        Tampering(description: "a linked body that is no JSON", found: .bodyIsNoJSON(6)) {
            $0.append(.linked(after: $0[4], body: Array("{\"event\":".utf8)))
        },
        Tampering(description: "a linked body that is no object", found: .bodyIsNoJSON(6)) {
            $0.append(.linked(after: $0[4], body: Array("[1]".utf8)))
        },
    ])
    func `a change is found at its place`(tampering: Tampering) throws {
        var records = try chain(of: 5)
        try tampering.change(&records)
        #expect(throws: tampering.found) { try walk(records) }
        #expect(tampering.found.sequence >= 1)
    }

    @Test func `an end that was cut off is seen by a witness alone`() throws {
        let records = try chain(of: 5)
        #expect(try walk(records.dropLast(2)).sequence == 3)
        #expect(throws: AuditBreak.cutOff(end: 3, head: 5)) {
            try walk(records.dropLast(2), witness: records.head)
        }
        #expect(throws: AuditBreak.cutOff(end: 0, head: 5)) {
            try walk([], witness: records.head)
        }
    }

    @Test func `a log that was written anew is seen by a witness alone`() throws {
        let records = try chain(of: 5)
        let other = try chain(of: 7, event: .userUnblocked)
        #expect(try walk(other).sequence == 7)
        #expect(throws: AuditBreak.headDiffers(5)) { try walk(other, witness: records.head) }
        #expect(throws: AuditBreak.headDiffers(0)) {
            try walk(other, witness: AuditHead(sequence: 0, hash: records.head.hash))
        }
    }

    @Test func `an entry of another version is intact, and shown as it is`() throws {
        let record = AuditRecord.linked(
            after: nil, body: Array(#"{"event":"something.new","time":1}"#.utf8))
        #expect(try walk([record]).sequence == 1)
        #expect(record.entry == nil)
    }

    @Test func `a head is read back as it is written, and nothing else is`() throws {
        let head = try chain(of: 2).head
        #expect(AuditHead("\(head)") == head)
        let hash = "\(head.hash)"
        for text in [
            "", ":", "2", "2:", ":\(hash)", "-1:\(hash)", "x:\(hash)", "2:\(hash)0", "2:\(hash):",
            "2:\(hash.dropLast())", "2:\(hash.dropLast())g", "2:\(hash.dropLast(2))\u{e9}",
        ] {
            #expect(AuditHead(text) == nil, "\(text)")
        }
    }

    @Test func `a text is cut between scalars, to 2,048 bytes`() {
        func kept(_ text: String) -> String? {
            AuditEntry(time: 0, event: .commandDenied, text: text).text
        }
        let longest = String(repeating: "x", count: 2048)
        #expect(kept(longest) == longest)
        #expect(kept(longest + "x") == longest)
        #expect(kept(longest.dropLast() + "\u{e9}")?.utf8.count == 2047)
        #expect(kept(String(repeating: "\u{1F600}", count: 1000))?.utf8.count == 2048)
        #expect(kept("x" + String(repeating: "\u{1F600}", count: 1000))?.utf8.count == 2045)
    }

    private func walk(
        _ records: some Sequence<AuditRecord>, witness: AuditHead? = nil
    ) throws -> AuditHead {
        var walk = AuditWalk(witness: witness)
        for record in records { try walk.take(record) }
        return try walk.end()
    }

    private func chain(
        of count: Int, event: AuditEntry.Event = .commandDenied
    ) throws -> [AuditRecord] {
        try (1...count).reduce(into: []) { records, index in
            records.append(
                .linked(
                    after: records.last,
                    body: try AuditEntry(time: Double(index), event: event).bytes()))
        }
    }
}

extension AuditEntry {
    fileprivate func bytes() throws -> [UInt8] { Array(try body().utf8) }
}

extension AuditRecord {
    fileprivate static func linked(after last: AuditRecord?, body: [UInt8]) -> AuditRecord {
        let sequence = (last?.sequence ?? 0) + 1
        return AuditRecord(
            sequence: sequence, body: body,
            hash: AuditHash(after: last?.hash ?? .start, sequence: sequence, body: body))
    }
}

extension [AuditRecord] {
    fileprivate var head: AuditHead {
        last.map { AuditHead(sequence: $0.sequence, hash: $0.hash) } ?? .start
    }
}
