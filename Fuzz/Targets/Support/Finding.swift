internal import FuzzReference
internal import Glibc

/// Ends the process: libFuzzer keeps the input, and `bin/fuzz` shows the sentence.
package func finding(_ property: String) -> Never {
    fuzz_finding(property)
}

/// Ends the process unless the property holds.
package func require(_ holds: Bool, _ property: @autoclosure () -> String) {
    if !holds { finding(property()) }
}

extension String {
    /// Whether the text is these bytes, and no more.
    package func isBytes(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Bool {
        var text = self
        return text.withUTF8 { fuzz_same($0.baseAddress, $0.count, bytes, count) }
    }

    /// Whether the text is the C string.
    package func isCString(_ string: UnsafePointer<CChar>) -> Bool {
        string.withMemoryRebound(to: UInt8.self, capacity: 1) { isBytes($0, strlen(string)) }
    }

    /// Whether both texts are the same bytes; `==` takes canonical equivalents for equal.
    package func isSameBytes(as other: String) -> Bool {
        var other = other
        return other.withUTF8 { isBytes($0.baseAddress, $0.count) }
    }
}
