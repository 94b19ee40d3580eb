import Foundation
import Glibc
import Store
import Synchronization
import Testing

/// A file system of a few megabytes, which only root can make.
private final class SmallDisk: Sendable {
    let path: String

    static var isPossible: Bool { geteuid() == 0 && !cannotMount }

    private static let cannotMount: Bool = {
        guard let disk = try? SmallDisk(bytes: 1 << 20) else { return true }
        _ = disk.path
        return false
    }()

    init(bytes: Int) throws {
        path = NSTemporaryDirectory() + "store-disk-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(bytes)") == 0 else {
            throw POSIXError(POSIXError.Code(rawValue: errno) ?? .EPERM)
        }
    }

    deinit {
        _ = umount2(path, Int32(MNT_DETACH))
        rmdir(path)
    }

    var storePath: String { path + "/store.db" }

    var storeBytes: Int { bytes(of: storePath) }
    var reserveBytes: Int { bytes(of: storePath + "-reserve") }

    private func bytes(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    func open(reserve: Int = 1 << 20, _ told: Told? = nil) throws -> SQLiteStore {
        var configuration = SQLiteStore.Configuration(path: storePath)
        configuration.reserveBytes = reserve
        configuration.retryInterval = .milliseconds(2)
        if let told { configuration.onHealthChange = told.take }
        return try SQLiteStore(configuration)
    }

    /// Takes all the room that is left.
    @discardableResult
    func fill() throws -> String {
        let filler = path + "/filler"
        let descriptor = Glibc.open(filler, O_RDWR | O_CREAT | O_APPEND, 0o600)
        try #require(descriptor >= 0)
        let block = [UInt8](repeating: 1, count: 4096)
        while write(descriptor, block, block.count) > 0 {}
        close(descriptor)
        return filler
    }
}

/// What an operator would read.
private final class Told: Sendable {
    private let all = Mutex<[String]>([])

    func take(_ health: StoreHealth) {
        let words = health.isGood ? "well" : health.troubles.keys.map { "\($0)" }.sorted().joined(separator: " ")
        all.withLock { $0.append(words) }
    }

    var lines: [String] { all.withLock { $0 } }
}

@Suite(
    "A store on a full disk", .serialized,
    .enabled(if: SmallDisk.isPossible, "making a small file system needs root"), .timeLimit(.minutes(2)))
struct FullDiskTests {
    private let value = String(repeating: "v", count: 10_000)

    @Test func `deletes make room on a full disk, and then writes are taken again`() async throws {
        let disk = try SmallDisk(bytes: 8 << 20)
        let store = try disk.open()
        var kept = 0
        var failure: StoreError.Code?
        while failure == nil {
            failure = await code { try await store.create("/k/\(kept)", value) }
            if failure == nil { kept += 1 }
        }
        #expect(failure == .full)
        #expect(kept > 100)
        #expect(store.health.troubles[.space] != nil)
        #expect(await code { try await store.create("/k/small", "x") } == .full)
        #expect(await code { try await store.update("/k/0", value + value) } == .full)
        // What makes nothing larger is taken: a Lease is renewed, a finalizer goes.
        try await store.update("/k/0", value)
        for number in 0..<(kept / 2) { try await store.delete("/k/\(number)") }
        await eventually { store.health.isGood }
        for number in 0..<(kept / 4) { try await store.create("/new/\(number)", value) }
        store.close()
        #expect(try disk.open().keys("/").count == kept - kept / 2 + kept / 4)
    }

    @Test func `a store that others have filled the disk of opens, reads, deletes and recovers`() async throws {
        let disk = try SmallDisk(bytes: 8 << 20)
        var store = try disk.open()
        for number in 0..<100 { try await store.create("/k/\(number)", value) }
        store.close()
        let filler = try disk.fill()
        store = try disk.open()
        #expect(try store.keys("/k/").count == 100)
        var failure: StoreError.Code?
        for number in 0..<200 where failure == nil {
            failure = await code { try await store.create("/more/\(number)", value) }
        }
        #expect(failure == .full)
        for number in 0..<50 { try await store.delete("/k/\(number)") }
        store.close()
        // Killed or stopped now, it comes back as short as it was.
        store = try disk.open()
        #expect(try store.keys("/k/").count == 50)
        try FileManager.default.removeItem(atPath: filler)
        await eventually { store.health.isGood }
        try await store.create("/k/again", value)
    }

    @Test func `large values can all be deleted from a disk that others have filled`()
        async throws
    {
        let disk = try SmallDisk(bytes: 24 << 20)
        var store = try disk.open(reserve: 4 << 20)
        let large = String(repeating: "v", count: 120_000)
        var kept = 0
        while kept < 80 {
            try await store.create("/k/\(kept)", large)
            kept += 1
        }
        // The log is carried over.
        store.close()
        _ = try disk.fill()
        store = try disk.open(reserve: 4 << 20)
        while await code({ try await store.create("/k/\(kept)", large) }) == nil { kept += 1 }
        store.close()
        store = try disk.open(reserve: 4 << 20)
        for number in 0..<kept { try await store.delete("/k/\(number)") }
        #expect(try store.keys("/").isEmpty)
        for number in 0..<20 { try await store.create("/new/\(number)", large) }
    }

    /// Kubernetes' own limit for a ConfigMap is 1 MiB; each is 122 pages or more behind one row.
    @Test(arguments: [120_000, 500_000, 900_000])
    func `a disk that the store has filled with large values is free when they are deleted`(_ size: Int) async throws {
        let disk = try SmallDisk(bytes: 24 << 20)
        let told = Told()
        var store = try disk.open(reserve: 4 << 20, told)
        let large = String(repeating: "v", count: size)
        var kept = 0
        while await code({ try await store.create("/k/\(kept)", large) }) == nil { kept += 1 }
        #expect(kept * size > 8 << 20)
        // Down to where nothing at all is taken.
        var small = 0
        while await code({ try await store.create("/s/\(small)", String(repeating: "s", count: 3000)) }) == nil {
            small += 1
        }
        #expect(store.health.troubles[.space] != nil)
        for number in 0..<kept { try await store.delete("/k/\(number)") }
        await eventually { store.health.isGood && disk.storeBytes < 8 << 20 }
        #expect(disk.reserveBytes == 4 << 20)
        for number in 0..<(kept / 2) { try await store.create("/new/\(number)", large) }
        // One beginning, one end, and nothing else.
        #expect(told.lines == ["space", "well"])
        store.close()
        store = try disk.open(reserve: 4 << 20)
        #expect(store.health.isGood)
        #expect(try store.keys("/").count == kept / 2 + small)
    }

    @Test func `pages that are free inside the file are written to while others hold the whole disk`() async throws {
        let disk = try SmallDisk(bytes: 32 << 20)
        let told = Told()
        var store = try disk.open(reserve: 4 << 20, told)
        let large = String(repeating: "v", count: 300_000)
        for number in 0..<50 { try await store.create("/k/\(number)", large) }
        // Carried over, so that it is known what the file takes.
        store.close()
        store = try disk.open(reserve: 4 << 20, told)
        try disk.fill()
        while await code({ try await store.create("/k/more", large) }) == nil {}
        for number in 0..<50 {
            try await store.delete("/k/\(number)")
            // Whatever is given back is gone at once.
            try disk.fill()
        }
        await eventually {
            _ = try? disk.fill()
            return store.health.isGood
        }
        try disk.fill()
        // Each takes the place of the one before.
        for number in 0..<20 {
            try await store.create("/new/\(number)", large)
            try disk.fill()
            try await store.delete("/new/\(number)")
            try disk.fill()
        }
        #expect(told.lines == ["space", "well"])
        store.close()
        store = try disk.open(reserve: 4 << 20)
        #expect(try store.keys("/").isEmpty)
        try await store.create("/again", "x")
    }

    @Test func `a first start on a full disk says so, and the next one begins when there is room`() async throws {
        let disk = try SmallDisk(bytes: 8 << 20)
        let filler = try disk.fill()
        do {
            _ = try disk.open()
            Issue.record("opened without room")
        } catch let error as StoreError {
            #expect(error.code == .full)
            #expect(error.message.contains("full") || error.message.contains("No space"), "\(error)")
        }
        unlink(filler)
        let store = try disk.open()
        try await store.create("/a", "x")
        store.close()
    }

    /// Some of it is enough for the files, some for a part of them.
    @Test(arguments: [8, 40, 60, 72, 80, 84, 92, 100, 108, 120, 160, 240])
    func `a first start with little room opens or says that there is none, and loses nothing by it`(kibibytes: Int)
        async throws
    {
        let disk = try SmallDisk(bytes: 8 << 20)
        let filler = try disk.fill()
        var status = stat()
        try #require(stat(filler, &status) == 0)
        try #require(truncate(filler, status.st_size - off_t(kibibytes << 10)) == 0)
        do {
            try disk.open().close()
        } catch let error as StoreError {
            #expect(error.code == .full, "\(error)")
        }
        unlink(filler)
        let store = try disk.open()
        try await store.create("/a", "x")
        store.close()
    }
}
