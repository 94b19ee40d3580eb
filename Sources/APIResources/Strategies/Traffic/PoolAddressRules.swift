import KubeModel
import NetworkTypes

/// The rules of the addresses of a pool, in either spelling.
enum PoolAddressRules {
    static let form =
        "must be an address, a CIDR or a range, (e.g. 192.0.2.1, 192.0.2.0/28 or 192.0.2.64-192.0.2.80)"

    /// - Parameters:
    ///   - path: of the list.
    ///   - takesSingle: whether an address without a prefix length is a range too; it is none to MetalLB.
    static func check(
        _ addresses: JSONValue?, _ path: FieldPath, takesSingle: Bool, _ errors: inout [FieldError]
    ) {
        let texts = (addresses?.array ?? []).map { $0.string ?? "" }
        if texts.isEmpty { errors.required(path, "must contain at least 1 range") }
        var ranges: [(range: AddressRange, text: String)] = []
        for (index, text) in texts.enumerated() {
            guard let range = AddressRange(text), takesSingle || text.contains(where: { $0 == "/" || $0 == "-" }) else {
                errors.invalid(
                    path.index(index), .string(text),
                    takesSingle
                        ? form
                        : "must be a CIDR or a range, (e.g. 192.0.2.0/28 or 192.0.2.64-192.0.2.80)")
                continue
            }
            if range.first.isUnspecified || range.first.isMulticast || range.last.isMulticast {
                errors.invalid(path.index(index), .string(text), "may hold only unicast addresses")
            }
            if let other = ranges.first(where: { $0.range.overlaps(range) }) {
                errors.invalid(path.index(index), .string(text), "overlaps with \(other.text)")
            }
            ranges.append((range, text))
        }
    }

    /// - Parameter path: of `serviceAllocation`.
    static func checkAllocation(_ allocation: JSONValue?, _ path: FieldPath, _ errors: inout [FieldError]) {
        SelectorRules.checkNames(allocation["namespaces"], path.child("namespaces"), &errors)
        for list in ["namespaceSelectors", "serviceSelectors"] {
            SelectorRules.checkSelectors(allocation[list], path.child(list), &errors)
        }
    }

    static func ranges(of object: JSONValue?) -> [AddressRange] {
        (object["spec"]["addresses"].array ?? []).compactMap { $0.string.flatMap { AddressRange($0) } }
    }

    /// What to tell somebody who takes ranges out of a pool of which addresses are in use, or offers addresses that Services
    /// get as cluster IPs.
    static func warnings(
        for object: JSONValue, replacing old: JSONValue?, used: Int, clusterRanges: [CIDR]
    ) -> [String] {
        let kept = Set(ranges(of: object))
        let present = Set(ranges(of: old))
        var warnings: [String] = []
        for (index, value) in (object["spec"]["addresses"].array ?? []).enumerated() {
            guard let text = value.string, let range = AddressRange(text), !present.contains(range),
                let cluster = clusterRanges.first(where: { AddressRange($0).overlaps(range) })
            else { continue }
            warnings.append(
                "spec.addresses[\(index)]: \(text) overlaps with \(cluster), which cluster IPs come from: an address of "
                    + "both may be given to two Services")
        }
        let gone = used > 0 ? present.filter { range in !kept.contains { $0.contains(range) } } : []
        if gone.isEmpty { return warnings }
        let text =
            gone.sorted { $0.first < $1.first }.prefix(3).map(\.description).joined(separator: ", ")
            + (gone.count > 3 ? ", …" : "")
        return warnings + [
            "spec.addresses: \(text) no longer offered as before, while \(used) addresses of the pool are in use; "
                + "Services keep the addresses that they have"
        ]
    }
}
