import System

/// Whether addresses of 127.0.0.0/8 are routed as others are: the one setting of the kernel that an enforcement changes.
protocol LoopbackRouting {
    /// Nil where it cannot be read.
    var isOn: Bool? { get }

    func turnOn() throws(SystemError)
}

/// That of this process's network namespace.
struct KernelLoopbackRouting: LoopbackRouting {
    var isOn: Bool? { KernelSetting.routeLoopback.isOn }

    func turnOn() throws(SystemError) { try KernelSetting.routeLoopback.turn(true) }
}
