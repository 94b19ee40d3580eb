import Foundation
import Store

/// A folder that goes with the last reference to it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "store-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        // What is left behind in the temporary folder harms nothing.
        try? FileManager.default.removeItem(atPath: path)
    }

    var storePath: String { path + "/store.db" }

    func configuration(durability: SQLiteStore.Configuration.Durability = .process) -> SQLiteStore.Configuration {
        var configuration = SQLiteStore.Configuration(path: storePath)
        configuration.durability = durability
        return configuration
    }
}

extension Store {
    @discardableResult
    func create(_ key: String, _ value: String) async throws -> WriteOutcome {
        try await write(.create(key: key, value: Array(value.utf8)))
    }

    @discardableResult
    func update(_ key: String, _ value: String, if revision: Revision? = nil) async throws -> WriteOutcome {
        try await write(.update(key: key, value: Array(value.utf8), ifRevision: revision))
    }

    @discardableResult
    func delete(_ key: String, if revision: Revision? = nil) async throws -> WriteOutcome {
        try await write(.delete(key: key, ifRevision: revision))
    }

    func text(_ key: String, at revision: Revision? = nil) throws -> String? {
        try get(key, at: revision).map { String(decoding: $0.value, as: UTF8.self) }
    }

    func keys(_ prefix: String, after: String? = nil, limit: Int? = nil, at revision: Revision? = nil) throws
        -> [String]
    {
        try list(prefix: prefix, after: after, limit: limit, at: revision).items.map(\.key)
    }
}

/// What `body` failed with.
func code(_ body: () async throws -> Void) async -> StoreError.Code? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? StoreError)?.code
    }
}
