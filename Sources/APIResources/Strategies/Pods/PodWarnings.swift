import KubeModel

/// What kube-apiserver says along with a Pod, or the template of Pods, that it takes though something of it has no effect
/// or may not survive a server-side apply (`pkg/api/pod/warnings.go`).
enum PodWarnings {
    /// - Parameter path: of the Pod or template; empty for a Pod.
    static func check(_ spec: JSONValue?, _ path: FieldPath) -> [String] {
        var warnings: [String] = []
        var ports = PortDefinitions()
        for key in ["initContainers", "containers"] {
            for (index, container) in (spec[key].array ?? []).enumerated() {
                let path = path.child(key).index(index)
                warnings += environment(container["env"]?.array ?? [], path.child("env"))
                for (index, port) in (container["ports"]?.array ?? []).enumerated() {
                    ports.add(port, path.child("ports").index(index), &warnings)
                }
            }
        }
        return warnings
    }

    /// A variable that stands twice, unless the later one is built from the earlier.
    private static func environment(_ variables: [JSONValue], _ path: FieldPath) -> [String] {
        guard variables.count > 1 else { return [] }
        var warnings: [String] = []
        var names: Set<ByteKey> = []
        for (index, variable) in variables.enumerated() {
            let name = variable.text("name")
            guard !names.insert(ByteKey(name)).inserted else { continue }
            let reference = "$(\(name))"
            let value = variable.text("value")
            if variable.at("valueFrom") != nil || value == reference || !value.contains(reference) {
                warnings.append(
                    "\(path.index(index)): hides previous definition of \(goQuoted(name)), which may be dropped when using "
                        + "apply")
            }
        }
        return warnings
    }

    /// The ports of all containers, which share one network.
    private struct PortDefinitions {
        private struct Definition {
            let path: FieldPath
            let hostIP: String
            let hostPort: Int
        }

        /// How many earlier definitions of a port are looked at: a thousand equal ports are no half a million warnings.
        private static let limit = 8

        private var known: [ByteKey: [Definition]] = [:]

        mutating func add(_ port: JSONValue, _ path: FieldPath, _ warnings: inout [String]) {
            let new = Definition(path: path, hostIP: port.text("hostIP"), hostPort: port["hostPort"]?.int ?? 0)
            let key = ByteKey("\(port["containerPort"]?.int ?? 0)/\(port.text("protocol"))")
            let earlier = known[key] ?? []
            for other in earlier {
                let words: String
                if new.hostIP == other.hostIP, new.hostPort == other.hostPort {
                    words = "duplicate"
                } else if new.hostPort == 0 || other.hostPort == 0 {
                    words = "overlapping"
                } else if new.hostPort == other.hostPort, new.hostIP.isEmpty != other.hostIP.isEmpty {
                    words = "dangerously ambiguous"
                } else {
                    continue
                }
                warnings.append("\(path): \(words) port definition with \(other.path)")
            }
            if earlier.count < Self.limit { known[key, default: []].append(new) }
        }
    }
}
