import KubeModel
import NetworkTypes

/// What `--publish-address` may say: the status of an Ingress has addresses and names.
enum PublishedAddresses {
    /// Why these cannot go to a status; nil where they can.
    static func problem(_ texts: [String]) -> String? {
        for text in texts where IPAddress(text) == nil {
            guard let complaint = Validation.dns1123Subdomain(text).first else { continue }
            return "--publish-address: \"\(text)\" is neither an IP address nor a name: \(complaint)"
        }
        return nil
    }
}
