import Glibc
import Store
// Writes to a store as fast as it goes and prints every acknowledged revision, until it is killed.
// Usage: StoreCrashWriter STORE-FILE. Lines: "REVISION KEY VALUE" (value "-" for a delete), each in one write(2), so
// that what the parent reads is exactly what was acknowledged.
import System

func report(_ line: String) {
    let bytes = Array(line.utf8)
    _ = write(STDOUT_FILENO, bytes, bytes.count)
}

guard CommandLine.arguments.count == 2 else { exit(64) }
let store: SQLiteStore
do {
    store = try SQLiteStore(SQLiteStore.Configuration(path: CommandLine.arguments[1]))
} catch {
    report("error \(error)\n")
    exit(1)
}

/// Each worker owns its keys, and submits its next write from the answer to the last.
struct Worker: Sendable {
    let number: Int
    let store: SQLiteStore

    func step(_ count: Int) {
        let key = "/crash/\(number)/\(count / 3 % 7)"
        let value = "\(number)-\(count)-\(getpid())"
        let write: Write =
            switch count % 3 {
            case 0: .create(key: key, value: Array(value.utf8))
            case 1: .update(key: key, value: Array(value.utf8), ifRevision: nil)
            default: .delete(key: key, ifRevision: nil)
            }
        store.submit(write) { result in
            switch result {
            case .success(let outcome):
                report("\(outcome.revision) \(key) \(count % 3 == 2 ? "-" : value)\n")
            case .failure(let error):
                // After a kill a key may be in any state of its cycle.
                switch error.code {
                case .exists, .notFound: break
                default:
                    report("error \(error)\n")
                    exit(1)
                }
            }
            step(count + 1)
        }
        if number == 0, count % 200 == 199 {
            let revision = Revision(store.currentRevision.rawValue - 100)
            BackgroundCompaction.start(store, to: revision)
        }
    }
}

/// Compaction waits for the writer, so it may not run on the writer's thread.
enum BackgroundCompaction {
    static func start(_ store: SQLiteStore, to revision: Revision) {
        do {
            let thread = try BackgroundThread(name: "compact") {
                do { try store.compact(to: revision) } catch { report("error \(error)\n") }
            }
            thread.detach()
        } catch {
            report("error \(error)\n")
        }
    }
}

for number in 0..<8 { Worker(number: number, store: store).step(0) }
while true { pause() }
