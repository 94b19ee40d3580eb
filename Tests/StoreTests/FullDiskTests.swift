import Foundation
import Glibc
import Store
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

    func open(reserve: Int = 1 << 20) throws -> SQLiteStore {
        var configuration = SQLiteStore.Configuration(path: storePath)
        configuration.reserveBytes = reserve
        configuration.retryInterval = .milliseconds(2)
        return try SQLiteStore(configuration)
    }

    /// Takes all the room that is left.
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

    @Test func `a first start on a full disk says so`() async throws {
        let disk = try SmallDisk(bytes: 1 << 20)
        _ = try disk.fill()
        do {
            _ = try disk.open()
            Issue.record("opened without room")
        } catch let error as StoreError {
            #expect(error.code == .full)
            #expect(error.message.contains("full") || error.message.contains("No space"), "\(error)")
        }
    }
}
