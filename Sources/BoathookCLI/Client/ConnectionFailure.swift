internal import AsyncHTTPClient
internal import Glibc
internal import NIOCore
internal import NIOPosix

/// Why a server was not reached, in words for a person.
enum ConnectionFailure {
    /// In one line.
    static func words(for error: any Error) -> String {
        switch error {
        case let error as IOError: return words(errno: error.errnoCode)
        case let error as NIOConnectionError:
            // One for each of the name's addresses; the last one is as good as any.
            if let failure = error.connectionErrors.last { return words(for: failure.error) }
            return error.dnsAError == nil && error.dnsAAAAError == nil
                ? "it does not answer" : "there is no host \(error.host)"
        case ChannelError.connectTimeout, is Overdue: return "it does not answer"
        case let error as HTTPClientError:
            let isSilence = [.connectTimeout, .readTimeout, .deadlineExceeded].contains(error)
            return isSilence ? "it does not answer" : lowercased(error.shortDescription)
        default: return OneLine.of("\(error)")
        }
    }

    /// Whether there was no connection that a request could have been sent on.
    static func isBeforeRequest(_ error: any Error) -> Bool {
        switch error {
        case is NIOConnectionError, ChannelError.connectTimeout: true
        case let error as IOError: error.errnoCode == ECONNREFUSED
        case let error as HTTPClientError: error == .connectTimeout || error == .invalidURL
        default: false
        }
    }

    private static func words(errno code: CInt) -> String {
        lowercased(String(cString: strerror(code)))
    }

    private static func lowercased(_ text: String) -> String {
        text.prefix(1).lowercased() + text.dropFirst()
    }
}
