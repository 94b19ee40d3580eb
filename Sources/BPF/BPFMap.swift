/// A table that the kernel keeps for programs and for whoever holds it. Keys and values are bytes.
package struct BPFMap: Hashable, Sendable {
    package enum Kind: UInt32, Sendable {
        /// Full it refuses what is new (E2BIG).
        case hash = 1
        /// Full it forgets what was not looked at for longest.
        case forgetful = 9
        /// One value for each socket, which ends with the socket. No key but the socket.
        case socketStorage = 24
    }

    /// Up to 15 characters; what programs and `bpftool` know it by.
    package let name: String
    package let kind: Kind
    package let keySize: Int
    package let valueSize: Int
    /// The most entries; of no meaning for `socketStorage`.
    package let capacity: Int

    package init(_ name: String, _ kind: Kind, key: Int, value: Int, capacity: Int) {
        self.name = name
        self.kind = kind
        keySize = key
        valueSize = value
        self.capacity = capacity
    }

    /// Memory is taken as entries come, but where the kernel has to have it beforehand. `BPF_F_NO_PREALLOC`.
    var flags: UInt32 { kind == .forgetful ? 0 : 1 }
}
