package import KubeModel

/// One Service as it was and as it is.
package struct ServiceChange: Hashable, Sendable {
    package var key: NamespacedName
    /// Nil: it did not exist.
    package var before: ServiceEntry?
    /// Nil: it is gone. Equal to `before` where only its enforcement is to be tried again.
    package var after: ServiceEntry?

    package init(key: NamespacedName, before: ServiceEntry?, after: ServiceEntry?) {
        self.key = key
        self.before = before
        self.after = after
    }
}
