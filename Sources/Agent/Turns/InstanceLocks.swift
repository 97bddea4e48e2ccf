/// Who may work on a container at the same time: many that read, or one that writes.
///
/// First come, first served: a writer waits for those before it, and those after it wait for the
/// writer.
actor InstanceLocks {
    enum Mode: Sendable, Hashable { case shared, exclusive }

    /// A place in the line of one container.
    struct Place: Sendable {
        let container: String
        let ticket: Ticket
    }

    private struct Entry {
        let id: UInt64
        let mode: Mode
        let admit: @Sendable () -> Void
        var hasTurn = false
    }

    /// In the order of their coming; those that have their turn are in it until they leave.
    private var lines: [String: [Entry]] = [:]
    private var lastID: UInt64 = 0

    /// Takes the next place in the container's line, which must be given up by ``leave(_:)``.
    func enqueue(_ container: String, _ mode: Mode) -> Place {
        lastID += 1
        let (ticket, admit) = Ticket.make(id: lastID)
        lines[container, default: []].append(Entry(id: lastID, mode: mode, admit: admit))
        admitNext(container)
        return Place(container: container, ticket: ticket)
    }

    /// Gives a place up, whether it had its turn or not.
    func leave(_ place: Place) {
        lines[place.container]?.removeAll { $0.id == place.ticket.id }
        admitNext(place.container)
    }

    /// Admits from the front of the line: all that read up to the first that writes, or that one alone.
    private func admitNext(_ container: String) {
        guard var line = lines[container] else { return }
        for index in line.indices {
            guard index == 0 || line[index].mode == .shared else { break }
            if !line[index].hasTurn {
                line[index].hasTurn = true
                line[index].admit()
            }
            guard line[index].mode == .shared else { break }
        }
        lines[container] = line.isEmpty ? nil : line
    }
}
