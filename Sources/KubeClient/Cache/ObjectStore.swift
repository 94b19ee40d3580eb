public import KubeModel
import Synchronization

/// The objects of one kind as last seen, by key and by index. Safe from any thread; reads never wait for a network.
public final class ObjectStore<Object: KubeObject>: Sendable {
    /// Computes the values under which an object is found in an index.
    public typealias Index = @Sendable (Object) -> [String]

    private struct State {
        var functions: [String: Index]
        var objects: [NamespacedName: Object] = [:]
        /// Index name → value → keys.
        var indexes: [String: [String: Set<NamespacedName>]] = [:]
    }

    // The mutex protects all of the state.
    private let state: Mutex<State>

    public init(indexes: [String: Index] = [:]) {
        state = Mutex(State(functions: indexes))
    }

    /// Adds indexes, by their names, and fills them. An index that exists already stays as it is.
    public func addIndexes(_ indexes: [String: Index]) {
        state.withLock { state in
            for (name, function) in indexes where state.functions[name] == nil {
                state.functions[name] = function
                for (key, object) in state.objects {
                    for value in function(object) { state.indexes[name, default: [:]][value, default: []].insert(key) }
                }
            }
        }
    }

    public subscript(key: NamespacedName) -> Object? {
        state.withLock { $0.objects[key] }
    }

    /// The object of a namespace and name; the namespace is empty for cluster-scoped kinds.
    public func get(_ name: String, namespace: String = "") -> Object? {
        self[NamespacedName(namespace: namespace, name: name)]
    }

    public var count: Int { state.withLock { $0.objects.count } }

    public var keys: [NamespacedName] { state.withLock { Array($0.objects.keys) } }

    /// Every object at one moment.
    public func snapshot() -> [NamespacedName: Object] { state.withLock { $0.objects } }

    /// The objects of a namespace in no particular order.
    public func list(namespace: String) -> [Object] {
        state.withLock { state in state.objects.values.filter { $0.metadata.namespace == namespace } }
    }

    /// The objects under a value of an index, in no particular order; empty for an index that does not exist.
    public func objects(index: String, _ value: String) -> [Object] {
        state.withLock { state in
            (state.indexes[index]?[value] ?? []).compactMap { state.objects[$0] }
        }
    }

    /// The values of an index under which there is any object, in no particular order.
    public func values(ofIndex index: String) -> [String] {
        state.withLock { Array(($0.indexes[index] ?? [:]).keys) }
    }

    /// Sets an object and returns the one that it replaces.
    @discardableResult
    func set(_ object: Object) -> Object? {
        let key = NamespacedName(object.metadata)
        return state.withLock { state in
            let old = state.objects.updateValue(object, forKey: key)
            reindex(&state, key, from: old, to: object)
            return old
        }
    }

    /// Removes an object and returns it.
    @discardableResult
    func remove(_ key: NamespacedName) -> Object? {
        state.withLock { state in
            let old = state.objects.removeValue(forKey: key)
            reindex(&state, key, from: old, to: nil)
            return old
        }
    }

    private func reindex(_ state: inout State, _ key: NamespacedName, from old: Object?, to new: Object?) {
        for (name, function) in state.functions {
            let before = Set(old.map(function) ?? [])
            let after = Set(new.map(function) ?? [])
            for value in before.subtracting(after) {
                state.indexes[name]?[value]?.remove(key)
                if state.indexes[name]?[value]?.isEmpty == true { state.indexes[name]?[value] = nil }
            }
            for value in after.subtracting(before) {
                state.indexes[name, default: [:]][value, default: []].insert(key)
            }
        }
    }
}
