internal import ArgumentParser

/// The client's options in front of the verb, where upstream's client takes them, too.
enum LeadingOptions {
    /// The same arguments, with those options behind the words of the verb.
    ///
    /// Without a verb that is carried out there is nothing that they could say, so they are left out: what comes then is
    /// a page of help, or a complaint about what is there instead.
    static func moved(_ arguments: [String]) -> [String] {
        var rest = arguments[...]
        var options: [String] = []
        while let count = optionWordCount(rest) {
            options += rest.prefix(count)
            rest = rest.dropFirst(count)
        }
        guard !options.isEmpty else { return arguments }
        var verb: any ParsableCommand.Type = Root.self
        var words: [String] = []
        while let word = rest.first, let next = subcommand(word, of: verb) {
            words.append(word)
            rest = rest.dropFirst()
            verb = next
        }
        return verb.configuration.subcommands.isEmpty ? words + options + rest : words + rest
    }

    /// How many of the first words are one of these options; nil when they are none.
    private static func optionWordCount(_ words: ArraySlice<String>) -> Int? {
        guard let word = words.first else { return nil }
        if ["--json", "--raw"].contains(word) { return 1 }
        for name in ["--url", "--api-key"] {
            if word.hasPrefix(name + "=") { return 1 }
            if word == name, words.count > 1 { return 2 }
        }
        return nil
    }

    private static func subcommand(
        _ word: String, of verb: any ParsableCommand.Type
    ) -> (any ParsableCommand.Type)? {
        verb.configuration.subcommands.first {
            $0.configuration.commandName == word || $0.configuration.aliases.contains(word)
        }
    }
}
