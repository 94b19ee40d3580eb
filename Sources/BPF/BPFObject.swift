internal import Glibc

/// A map, a program or a link, held: what nobody holds and nobody pinned is gone.
package final class BPFObject: Sendable {
    let descriptor: Int32
    private let isKernels: Bool

    /// Takes the descriptor over.
    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        isKernels = true
    }

    /// Of no kernel.
    init(simulated number: Int32) {
        descriptor = number
        isKernels = false
    }

    deinit { if isKernels { close(descriptor) } }
}
