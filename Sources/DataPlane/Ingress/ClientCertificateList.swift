import KubeModel
import ProxyEngine
import TrafficModel

/// What the routes of one compilation ask of their clients, each once. Pure.
struct ClientCertificateList {
    let named: [NamespacedName: NamedSecret]
    private(set) var list: [ClientCertificatePolicy] = []
    private var indices: [ClientCertificateGuard: Int] = [:]

    /// - Parameter named: the Secrets that routes name, as far as they are there.
    init(named: [NamespacedName: NamedSecret]) { self.named = named }

    /// nil for what asks for nothing.
    mutating func index(of word: ClientCertificateGuard?) -> Int? {
        guard let word else { return nil }
        if let index = indices[word] { return index }
        indices[word] = list.count
        list.append(policy(word))
        return list.count - 1
    }

    /// Without its Secret it has no authorities, and lets nobody in.
    private func policy(_ word: ClientCertificateGuard) -> ClientCertificatePolicy {
        let secret = named[word.secret]
        let mode: ClientCertificatePolicy.Mode =
            switch word.policy.mode {
            case "optional": .optional
            case "optional_no_ca": .optionalNoCA
            default: .required
            }
        return ClientCertificatePolicy(
            mode: mode, authoritiesPEM: secret?.authoritiesPEM ?? [], revocationsPEM: secret?.revocationsPEM,
            depth: Int32(clamping: word.policy.depth ?? 1), errorPage: word.policy.errorPage,
            passesCertificate: word.policy.passesCertificate ?? false, subjectPattern: word.policy.subjectPattern)
    }
}
