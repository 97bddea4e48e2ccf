package import CommandPolicy
internal import FoundationEssentials

/// One thing that somebody did or tried.
package struct AuditEntry: Sendable, Hashable, Codable {
    package enum Event: String, Sendable, Codable, CaseIterable {
        case commandAccepted = "command.accepted"
        /// An order that was sent again: no new command, but a further URL of its result.
        case commandRepeated = "command.repeated"
        case commandDenied = "command.denied"
        case commandCancelled = "command.cancelled"
        case resultDeleted = "result.deleted"
        case keyCreated = "key.created"
        case keyRevoked = "key.revoked"
        /// The key has another secret, and is otherwise as it was.
        case keyReset = "key.reset"
        /// A change through the API that no other event tells of; see ``route``.
        case apiCalled = "api.called"
        case userBlocked = "user.blocked"
        case userUnblocked = "user.unblocked"
        case joinTokenCreated = "join_token.created"
        case machineJoined = "machine.joined"
        case machineRevoked = "machine.revoked"
        case jobCreated = "job.created"
        case jobChanged = "job.changed"
        case jobDeleted = "job.deleted"
        /// Its order was given; an order that was accepted has an entry of its own.
        case jobFired = "job.fired"
        case jobRefused = "job.refused"
        /// Due times that passed without, or of which nobody knows.
        case jobMissed = "job.missed"
        case switchedOff = "switch.off"
        case switchedOn = "switch.on"
        case backupRestored = "backup.restored"
    }

    /// Unix seconds.
    package var time: Double
    package var event: Event
    /// Whose doing it is; for an event of a user or a key, which.
    package var accountID: Account.ID?
    package var keyID: APIKey.ID?
    package var instanceID: Instance.ID?
    package var commandID: Command.ID?
    /// The command as it was sent, cut to ``ParsedCommand/maximumByteCount`` bytes.
    package var text: String?
    /// The policy's.
    ///
    /// Its word is not the last one: an order that it allows and that is denied was refused by something
    /// else, which ``detail`` names.
    package var decision: Decision?
    /// What people should know beside it; never a secret.
    package var detail: String?
    /// Of a change through the API: its method and path, as the router describes them.
    package var route: String?
    /// What it was to do; never a secret.
    package var arguments: [String: String]?
    /// From where it came.
    package var address: String?

    private enum CodingKeys: String, CodingKey {
        case time, event, text, decision, detail, route, arguments, address
        case accountID = "account"
        case keyID = "key"
        case instanceID = "instance"
        case commandID = "command"
    }

    package init(
        time: Double, event: Event, accountID: Account.ID? = nil, keyID: APIKey.ID? = nil,
        instanceID: Instance.ID? = nil, commandID: Command.ID? = nil, text: String? = nil,
        decision: Decision? = nil, detail: String? = nil, address: String? = nil
    ) {
        self.time = time
        self.event = event
        self.accountID = accountID
        self.keyID = keyID
        self.instanceID = instanceID
        self.commandID = commandID
        self.text = text.map(Self.cut)
        self.decision = decision
        self.detail = detail
        self.address = address
    }

    /// What is stored and hashed: JSON with sorted keys and without white space.
    ///
    /// Nobody computes it a second time: whoever checks the chain hashes the text that is stored.
    package func body() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// The text's first bytes, up to the last scalar that ends within the limit.
    private static func cut(_ text: String) -> String {
        guard text.utf8.count > ParsedCommand.maximumByteCount else { return text }
        var bytes = Array(text.utf8.prefix(ParsedCommand.maximumByteCount + 1))
        while let last = bytes.popLast(), last & 0xC0 == 0x80 {}
        return String(decoding: bytes, as: UTF8.self)
    }
}
