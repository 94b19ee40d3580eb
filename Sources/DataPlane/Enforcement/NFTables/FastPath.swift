import Glibc
import NFTables

/// The fast path of established connections to Services: a flowtable, which hands their packets from one device to another
/// past all rules and most of the network stack (Linux' nf_flowtable). The conntrack entries stay, and with them what ends a
/// connection: deleting its entry takes it off the fast path within a second.
struct FastPath: Hashable {
    /// The devices that packets may come in by, by their indices: one that went and came back under its name is another.
    var devices: [UInt32: String]

    static let flowtable = "established"

    /// After the chains of firewalls (priority 0): what they drop gets nowhere near the fast path.
    static let chain = NFChain("fast-path", hook: .init(.filter, .forward, priority: 10))

    static let rules = [
        TableLayout.rule(
            chain.name, "established connections to Services",
            isSet(.status, destinationTranslated) + isSet(.state, established) + [.offload(flowtable)])
    ]

    /// IPS_DST_NAT of Linux' nf_conntrack_common.h.
    private static let destinationTranslated: UInt32 = 0x20
    /// NF_CT_STATE_BIT(IP_CT_ESTABLISHED).
    private static let established: UInt32 = 2

    private static func isSet(_ key: NFExpression.Conntrack, _ bit: UInt32) -> [NFExpression] {
        let register = TableLayout.a
        return [
            .conntrack(key, into: register), .mask(register, with: NFValue().appending(host: bit), into: register),
            .unequal(register, NFValue().appending(host: 0)),
        ]
    }

    /// A message holds no more devices (NFT_NETDEVICE_MAX).
    static let mostDevices = 256

    /// What adds these devices to the flowtable; makes it where it is not there. Those that it has already may be among them.
    var additions: [NFTransaction.Operation] { Self.additions(devices.values.sorted()) }

    /// What makes a flowtable as it is listed have all devices.
    func additions(to present: NFFlowtable?) -> [NFTransaction.Operation] {
        guard let present else { return additions }
        let missing = Set(devices.values).subtracting(present.devices)
        return missing.isEmpty ? [] : Self.additions(missing.sorted())
    }

    private static func additions(_ names: [String]) -> [NFTransaction.Operation] {
        // A flowtable without devices is one too.
        stride(from: 0, to: max(1, names.count), by: mostDevices).map { start in
            .addFlowtable(NFFlowtable(flowtable, devices: Array(names[start...].prefix(mostDevices))))
        }
    }
}

extension FastPath {
    /// With the devices of the calling thread's network namespace, but for the loopback: what comes in there stays here.
    static var ofThisMachine: FastPath {
        var devices: [UInt32: String] = [:]
        // Without memory for the list there is nothing to follow now.
        guard let list = if_nameindex() else { return FastPath(devices: devices) }
        defer { if_freenameindex(list) }
        var next = list
        while next.pointee.if_index != 0, let name = next.pointee.if_name {
            if next.pointee.if_index != 1 { devices[next.pointee.if_index] = String(cString: name) }
            next += 1
        }
        return FastPath(devices: devices)
    }

    /// Why this kernel has none; nil where it has. Changes nothing.
    static func obstacle() -> String? {
        let trial: [NFTransaction.Operation] =
            [.addTable] + FastPath(devices: [:]).additions + [.addChain(chain)] + rules.map { .addRule($0) }
            + [.deleteTable]
        do throws(NFTablesError) {
            try KernelRuleset().commit(NFTransaction(NFTable(.inet, "martlet-trial"), trial), expecting: nil)
            return nil
        } catch {
            return "this kernel has no flowtables (modprobe nf_flow_table_inet, nft_flow_offload): \(error)"
        }
    }
}
