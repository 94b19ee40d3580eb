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
        if let passwords = filters.at("basicAuthentication") {
            let place = path.child("basicAuthentication").child("secretName")
            let name = passwords.text("secretName")
            if name.isEmpty {
                errors.required(place)
            } else {
                errors.invalid(place, .string(name), Validation.dns1123Subdomain(name))
            }
        }
        if let external = filters.at("externalAuthentication") {
            check(external: external, path.child("externalAuthentication"), &errors)
            if filters.at("basicAuthentication") != nil, filters["satisfy"].string == "any" {
                errors.forbidden(
                    path.child("satisfy"), "may not be any where both a password and another service are asked for")
            }
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

    private static func check(external: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        do {
            _ = try AuthenticationURL(external.text("url"))
        } catch {
            errors.invalid(path.child("url"), .string(external.text("url")), error.description)
        }
        if let text = external["signIn"].string, let problem = RouteExternalAuthentication.problem(ofSignIn: text) {
            errors.invalid(path.child("signIn"), .string(text), problem)
        }
        if let text = external["requestRedirect"].string {
            do {
                _ = try RequestTextTemplate(text, isURL: false)
            } catch {
                errors.invalid(path.child("requestRedirect"), .string(text), error.description)
            }
        }
        for (index, entry) in (external["responseHeaders"].array ?? []).enumerated() {
            guard let name = entry.string, !RouteExternalAuthentication.isResponseHeader(name) else { continue }
            errors.invalid(
                path.child("responseHeaders").index(index), entry,
                "must be the name of a field, of letters, digits and hyphens, that is not the proxy's own")
        }
    }
}
