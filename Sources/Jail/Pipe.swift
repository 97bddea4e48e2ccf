internal import CJail
internal import Glibc

/// Both ends of a pipe.
///
/// Whoever makes one closes them.
struct Pipe {
    let reader: CInt
    let writer: CInt

    init() throws(JailError) {
        var ends: (reader: CInt, writer: CInt) = (-1, -1)
        let code = cjail_pipe(&ends.reader, &ends.writer)
        guard code == 0 else { throw JailError("pipe", String(cString: strerror(code))) }
        (reader, writer) = ends
    }

    func closeReader() { close(reader) }
    func closeWriter() { close(writer) }
}
