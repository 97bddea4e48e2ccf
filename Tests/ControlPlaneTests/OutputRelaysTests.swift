import Testing

@testable import ControlPlane

@Suite struct OutputRelaysTests {
    @Test func `no account takes all places at a machine, and all accounts together have a bound`()
        throws
    {
        let relays = OutputRelays()
        var open: [OutputRelays.Relay] = []
        for account in 1...4 as ClosedRange<Int64> {
            for _ in 0..<OutputRelays.maximumPerAccount {
                open.append(try relays.open(7, for: account))
            }
            // Its own share is full, there and nowhere else.
            #expect(try refusal { _ = try relays.open(7, for: account) } == .queueFull)
            #expect(try refusal { try relays.checkRoom(7, for: account) } == .queueFull)
            try relays.checkRoom(8, for: account)
        }
        #expect(open.count == OutputRelays.maximumPerMachine)
        #expect(try refusal { _ = try relays.open(7, for: 5) } == .queueFull)
        relays.close(open[0])
        #expect(try refusal { try relays.checkRoom(7, for: 2) } == .queueFull)
        _ = try relays.open(7, for: 5)
        #expect(try refusal { _ = try relays.open(7, for: 1) } == .queueFull)
    }

    private func refusal(_ body: () throws -> Void) throws -> ControlPlaneError.Code? {
        do {
            try body()
            return nil
        } catch let error as ControlPlaneError {
            return error.code
        }
    }
}
