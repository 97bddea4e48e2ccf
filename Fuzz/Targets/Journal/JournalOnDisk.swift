internal import FuzzSupport
internal import Glibc

/// A journal's file, in memory where the system has such a place; made once for the process.
struct JournalOnDisk {
    private static let folder: String = {
        let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(parent)/boathook-fuzz.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { finding("no folder for the journal") }
        atexit {
            unlink(JournalOnDisk().path)
            unlink(JournalOnDisk().path + ".new")
            rmdir(JournalOnDisk.folder)
        }
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()

    var path: String { Self.folder + "/journal" }

    var bytes: [UInt8] {
        get {
            let file = open(path, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { finding("the journal has no file") }
            defer { close(file) }
            var bytes = [UInt8](repeating: 0, count: Int(lseek(file, 0, SEEK_END)))
            guard pread(file, &bytes, bytes.count, 0) == bytes.count else {
                finding("the journal's file cannot be read")
            }
            return bytes
        }
        nonmutating set {
            let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            guard file >= 0, write(file, newValue, newValue.count) == newValue.count else {
                finding("the journal's file cannot be written")
            }
            close(file)
        }
    }
}

/// Lets one thread wait for a task.
final class Signal: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func set() { sem_post(semaphore) }

    func wait() {
        while sem_wait(semaphore) != 0 {}
    }
}
