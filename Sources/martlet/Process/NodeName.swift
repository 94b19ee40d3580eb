import Glibc
import KubeModel

/// The name of this machine as Kubernetes spells node names.
enum NodeName {
    /// A node's name is the value of a label too (kubernetes.io/hostname).
    static let maxLength = 63

    static var current: String { adapted(hostName) }

    /// What to tell of the name, where the host name could not be taken as it is; nil where it could.
    static var adaptation: String? {
        let name = current
        guard name != hostName.lowercased() else { return nil }
        return
            "the host name \"\(hostName)\" is no name for a node: it is \"\(name)\" instead (--node-name gives another one)"
    }

    /// A host name in lower case, with hyphens for what names of nodes may not have, and no longer than they may be.
    static func adapted(_ hostName: String) -> String {
        let bytes = hostName.lowercased().utf8.map { byte in
            switch byte {
            case 0x61...0x7A, 0x30...0x39, 0x2E: byte
            default: 0x2D as UInt8
            }
        }
        let labels = bytes.split(separator: 0x2E).map { trimmed($0) }.filter { !$0.isEmpty }
        let name = trimmed(Array(labels.joined(separator: [0x2E])).prefix(maxLength))
        return name.isEmpty ? "localhost" : String(decoding: name, as: UTF8.self)
    }

    /// Why a node cannot have a name; nil where it can.
    static func problem(_ name: String) -> String? {
        if let complaint = Validation.dns1123Subdomain(name).first { return complaint }
        return name.utf8.count > maxLength ? "must be no more than \(maxLength) characters" : nil
    }

    /// Without hyphens and dots at the ends.
    private static func trimmed(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        let isEdge = { (byte: UInt8) in byte == 0x2D || byte == 0x2E }
        let kept = Array(bytes.drop(while: isEdge))
        return Array(kept.dropLast(kept.reversed().prefix(while: isEdge).count))
    }

    private static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
