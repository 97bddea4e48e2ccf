extension ContainerOptions {
    /// These options, and what a template has beside them: of the same variable, port, path of a volume and host name,
    /// these win (contract 4).
    ///
    /// - Throws: ``Unusable`` when both together are too much.
    package func over(_ template: ContainerOptions) throws(Unusable) -> ContainerOptions {
        var merged = self
        let names = Set(environment.map { $0[0] })
        merged.environment = template.environment.filter { !names.contains($0[0]) } + environment
        merged.ports = template.ports.filter { !ports.contains($0) } + ports
        let paths = Set(volumes.map(\.path))
        merged.volumes = template.volumes.filter { !paths.contains($0.path) } + volumes
        merged.hostname = hostname ?? template.hostname
        try merged.checkSize()
        return merged
    }
}
