/// The programs that the jail has a tool for: none of them runs what it reads.
package enum JailedPrograms {
    package static let all = [
        "ls", "rm", "du", "cat", "head", "tail", "wc", "stat", "df", "find", "grep", "sort", "uniq",
        "cut", "sha256sum", "md5sum", "file", "tree",
    ]
}
