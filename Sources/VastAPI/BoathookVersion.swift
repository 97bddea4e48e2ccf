/// Which Boathook this is: of both executables, as `--version` prints it.
package enum BoathookVersion {
    /// Semantic: before 1.0.0, the second number changes with whatever somebody could have relied on.
    package static let text = "boathook 0.1.0"
}
