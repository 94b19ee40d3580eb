import KubeModel
import NetworkTypes

/// `traffic.martlet.dev/v1 AddressPool`: addresses that LoadBalancer Services get.
struct AddressPoolStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "traffic.martlet.dev", "v1", "AddressPool", "addresspools", namespaced: false, short: ["pool"],
        hasStatus: true)
    let generationRule = GenerationRule.spec
    let isCheckedBySchema = true

    func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        for key in ["total", "allocated"] {
            if let value = object.at("status", key), value.int ?? 0 < 0 {
                errors.invalid(
                    FieldPath("status").child(key), value, "must be greater than or equal to 0")
            }
        }
        return errors
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("spec").child("addresses")
        let texts = (object["spec"]["addresses"].array ?? []).map { $0.string ?? "" }
        if texts.isEmpty { errors.required(path, "must contain at least 1 range") }
        var ranges: [(range: AddressRange, text: String)] = []
        for (index, text) in texts.enumerated() {
            guard let range = AddressRange(text) else {
                errors.invalid(
                    path.index(index), .string(text),
                    "must be an address, a CIDR or a range, (e.g. 192.0.2.1, 192.0.2.0/28 or 192.0.2.64-192.0.2.80)")
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
        for (index, value) in (object["spec"]["serviceNamespaces"].array ?? []).enumerated() {
            errors.invalid(
                FieldPath("spec").child("serviceNamespaces").index(index), value,
                Validation.dns1123Label(value.string ?? ""))
        }
        return errors
    }
}
