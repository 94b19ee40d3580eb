/// Why a data plane could not start.
package struct DataPlaneError: Error, Sendable, Hashable, CustomStringConvertible {
    package var message: String

    package var description: String { message }
}
