import System

@testable import DataPlane

/// The setting of a machine without a kernel: off until it is turned on.
final class SimulatedLoopbackRouting: LoopbackRouting {
    private(set) var isOn: Bool? = false

    func turnOn() throws(SystemError) { isOn = true }
}
