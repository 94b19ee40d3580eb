import Glibc
import System

/// Settings of IPVS in this network namespace that the mode needs, as kube-proxy sets them (Linux' ipvs-sysctl). The kernel
/// begins with all of them off.
enum IPVSSetting: String, CaseIterable {
    /// Connections are tracked, so that rules can masquerade them.
    case conntrack
    /// A packet to a real server that is gone ends its connection, and the next one begins another.
    case expireWithoutServer = "expire_nodest_conn"
    /// A client does not keep a real server that has no weight.
    case expireQuiescent = "expire_quiescent_template"

    func turnOn() throws(SystemError) { try KernelSetting.write("1", to: "ipv4/vs/\(rawValue)") }

    func turnOff() throws(SystemError) { try KernelSetting.write("0", to: "ipv4/vs/\(rawValue)") }
}
