// Written by hand: what older versions kept has fewer keys, and `kernel` is said, never read.
extension Decision: Codable {
    private enum CodingKeys: String, CodingKey {
        case verdict, policy, rule, command, argv, writes, backend, view, paths, guards, limits,
            denial
        case protected, kernel
        case previews = "preview"
        case attachesVolumes = "volumes"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            verdict: try container.decode(Verdict.self, forKey: .verdict),
            policy: try container.decode(String.self, forKey: .policy),
            rule: try container.decodeIfPresent(String.self, forKey: .rule),
            command: try container.decode(String.self, forKey: .command),
            argv: try container.decode([String].self, forKey: .argv),
            writes: try container.decode(Bool.self, forKey: .writes),
            guards: try container.decode([String].self, forKey: .guards),
            limits: try container.decodeIfPresent(CommandLimits.self, forKey: .limits),
            denial: try container.decodeIfPresent(Denial.self, forKey: .denial))
        previews = try container.decodeIfPresent(Bool.self, forKey: .previews) ?? false
        backend = try container.decodeIfPresent(CommandBackend.self, forKey: .backend) ?? .jail
        view = try container.decodeIfPresent(InstanceView.self, forKey: .view) ?? .merged
        attachesVolumes = try container.decodeIfPresent(Bool.self, forKey: .attachesVolumes) ?? true
        paths = try container.decodeIfPresent([String].self, forKey: .paths)
        protected = try container.decodeIfPresent([String].self, forKey: .protected) ?? []
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(verdict, forKey: .verdict)
        try container.encode(policy, forKey: .policy)
        try container.encodeIfPresent(rule, forKey: .rule)
        try container.encode(command, forKey: .command)
        try container.encode(argv, forKey: .argv)
        try container.encode(writes, forKey: .writes)
        if previews { try container.encode(true, forKey: .previews) }
        try container.encode(backend, forKey: .backend)
        try container.encode(view, forKey: .view)
        try container.encode(attachesVolumes, forKey: .attachesVolumes)
        try container.encodeIfPresent(paths, forKey: .paths)
        try container.encode(guards, forKey: .guards)
        if !protected.isEmpty { try container.encode(protected, forKey: .protected) }
        try container.encodeIfPresent(limits, forKey: .limits)
        try container.encodeIfPresent(denial, forKey: .denial)
        try container.encodeIfPresent(kernel, forKey: .kernel)
    }
}
