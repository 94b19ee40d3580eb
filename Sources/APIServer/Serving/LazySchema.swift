import KubeModel
import Synchronization

/// A schema that is compiled when it is first asked for: most kinds are never written.
final class LazySchema: Sendable {
    private final class Compiled: Sendable {
        let schema: Schema?
        init(_ schema: Schema?) { self.schema = schema }
    }

    private let compile: @Sendable () -> Schema?
    private let compiled = AtomicLazyReference<Compiled>()

    /// - Parameter compile: may run more than once, when several ask at the same time.
    init(_ compile: @escaping @Sendable () -> Schema?) {
        self.compile = compile
    }

    var schema: Schema? {
        if let compiled = compiled.load() { return compiled.schema }
        return compiled.storeIfNil(Compiled(compile())).schema
    }
}
