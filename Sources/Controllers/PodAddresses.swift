import NetworkTypes

/// The addresses that a Pod names by annotation.
enum PodAddresses {
    static let annotation = "traffic.martlet.dev/address"

    enum Problem: Error, Equatable, CustomStringConvertible {
        case empty
        case notAnAddress(String)
        case twoOfOneFamily(String)

        var description: String {
            switch self {
            case .empty: "annotation \(annotation) holds no address"
            case .notAnAddress(let text): "annotation \(annotation): \"\(text)\" is not an IP address"
            case .twoOfOneFamily(let text):
                "annotation \(annotation): \"\(text)\" is a second address of its family"
            }
        }
    }

    /// Reads one address, or one of each family separated by commas or spaces. The first is the Pod's `podIP`.
    static func parse(_ text: String) throws(Problem) -> [IPAddress] {
        var result: [IPAddress] = []
        for part in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            guard let address = IPAddress(part) else { throw .notAnAddress(String(part)) }
            guard !result.contains(where: { $0.family == address.family }) else {
                throw .twoOfOneFamily(String(part))
            }
            result.append(address)
        }
        guard !result.isEmpty else { throw .empty }
        return result
    }
}
