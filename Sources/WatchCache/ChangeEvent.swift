import Store
import Synchronization

/// One committed change of one object, shared by the window and all watchers.
final class ChangeEvent: Sendable {
    /// The state after the change; of a deletion the last state, stamped with the deletion's version.
    let object: CachedObject
    /// The state before it; `nil` of a creation.
    let previous: CachedObject?
    let isDeletion: Bool
    /// Seconds of a clock that only grows.
    let time: Int64

    private struct Memo {
        var lines: [WatchEvent.Kind: [UInt8]] = [:]
        var departed: CachedObject?
    }

    private let memo = Mutex(Memo())

    init(object: CachedObject, previous: CachedObject?, isDeletion: Bool, time: Int64) {
        self.object = object
        self.previous = previous
        self.isDeletion = isDeletion
        self.time = time
    }

    var revision: Revision { object.revision }

    /// Memory that the window may keep alive for the event: the states before and after it, which it need not share
    /// with the cache.
    var byteCount: Int { object.bytes.count + (previous?.bytes.count ?? 0) + 512 }

    /// What a watcher without selectors is told.
    var watchEvent: WatchEvent {
        WatchEvent(isDeletion ? .deleted : previous == nil ? .added : .modified, object, change: self)
    }

    /// What a watcher with selectors is told: an object that comes to match is added, one that ceases to is deleted, in
    /// the last state that matched.
    func watchEvent(_ filter: ObjectFilter) -> WatchEvent? {
        let didMatch = previous.map(filter.matches) ?? false
        if isDeletion { return didMatch ? WatchEvent(.deleted, object, change: self) : nil }
        switch (didMatch, filter.matches(object)) {
        case (true, true): return WatchEvent(.modified, object, change: self)
        case (false, true): return WatchEvent(.added, object, change: self)
        case (true, false): return WatchEvent(.deleted, departed, change: self)
        case (false, false): return nil
        }
    }

    /// The event's line, encoded once for all who ask while it is being handed out.
    func line(_ kind: WatchEvent.Kind, _ object: CachedObject) -> [UInt8] {
        memo.withLock { memo in
            if let line = memo.lines[kind] { return line }
            let line = WatchEvent.line(kind, object.bytes)
            memo.lines[kind] = line
            return line
        }
    }

    /// Lets go of the lines; the window would hold them for nothing.
    func forgetLines() {
        memo.withLock { $0.lines = [:] }
    }

    private var departed: CachedObject {
        memo.withLock { memo in
            if let departed = memo.departed { return departed }
            let departed = (previous ?? object).restamped(revision)
            memo.departed = departed
            return departed
        }
    }
}
