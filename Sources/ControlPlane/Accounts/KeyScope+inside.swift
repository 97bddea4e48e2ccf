// What lets somebody into an instance, past the policy.
extension KeyScope {
    /// Why a key may not let somebody log in to instances; nil when it may.
    ///
    /// Who logs in is bound by no policy, no path and no budget. So a key must not give away what it has not itself:
    /// it has to be free of all of them, and to execute there.
    ///
    /// - Parameter instance: The one that it would be; nil for all.
    /// - Returns: Why not, for the person who asked.
    package func bars(loginTo instance: Instance.ID?) -> String? {
        if let bound { return "Your key \(bound), and so it lets nobody log in" }
        guard let permissions else { return nil }
        let ids = IDConstraint(instance.map { [.eq: .id($0)] } ?? [:])
        let open = permissions.constraints(on: .execute, writes: writes)
        guard open.contains(where: { $0.contains(ids) }) else {
            let what = instance == nil ? "every instance" : "that instance"
            return "Your key may not execute on \(what), and so it lets nobody log in there"
        }
        return nil
    }

    /// Why a key may not say what instances find in their environment; nil when it may.
    package var barsEnvironment: String? {
        bound.map { "Your key \($0), and so it changes no environment variables" }
    }

    /// Why a key may not take logins or environment variables away; nil when it may.
    package var barsRemoval: String? {
        writes ? nil : "Your key only reads"
    }
}
