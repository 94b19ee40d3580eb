/// An object of the store in the shape that is served now.
package struct NormalizedObject: Sendable {
    /// Without resourceVersion.
    package var bytes: [UInt8]
    /// The defaults of its schema would make it too large, and are left out.
    package var lacksDefaults: Bool

    package init(_ bytes: [UInt8], lacksDefaults: Bool = false) {
        self.bytes = bytes
        self.lacksDefaults = lacksDefaults
    }
}
