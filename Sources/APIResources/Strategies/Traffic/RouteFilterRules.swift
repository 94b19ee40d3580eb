import KubeModel
import NetworkTypes

/// What the schema cannot say of ``RouteFilters``.
enum RouteFilterRules {
    static func check(_ filters: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        if let location = filters["redirect"]["location"].string, RouteRedirect.parts(of: location) == nil {
            errors.invalid(
                path.child("redirect").child("location"), .string(location),
                "must be an absolute URL of http or https, with no variables but $request_uri, $uri, $args, $is_args, $host and"
                    + " $scheme, each no more than once")
        }
        for (parent, key) in [("sources", "allow"), ("sources", "deny"), ("clientLimits", "exempt")] {
            for (index, entry) in (filters[parent][key].array ?? []).enumerated() {
                guard let text = entry.string, CIDR(network: text) == nil else { continue }
                errors.invalid(
                    path.child(parent).child(key).index(index), entry,
                    "must be an IP address or a network in CIDR notation, such as 192.0.2.0/24")
            }
        }
    }
}
