import KubeModel
import NetworkTypes

/// `metallb.io/v1beta2 BGPPeer`: a router that nodes announce addresses to. `v1beta1` is the same under an older name.
struct BGPPeerStrategy: ResourceStrategy {
    private static let stored = ResourceDefinition.builtIn(
        "metallb.io", "v1beta2", "BGPPeer", "bgppeers", hasStatus: true)

    let definition: ResourceDefinition
    let deprecationWarning: String?
    let storedForm: StoredForm?
    let generationRule = GenerationRule.spec
    let isCheckedBySchema = true

    private static let path = FieldPath("spec")

    init() {
        (definition, deprecationWarning, storedForm) = (Self.stored, nil, nil)
    }

    private init(former version: String) {
        var definition = Self.stored
        definition.version = version
        self.definition = definition
        deprecationWarning = "\(version) is deprecated, please use \(Self.stored.version)"
        storedForm = StoredForm(
            definition: Self.stored, encode: { Self.named($0, Self.stored.apiVersion) },
            decode: { [former = definition.apiVersion] in Self.named($0, former) })
    }

    /// The deprecated version, whose fields are all there in the present one.
    static let v1beta1 = BGPPeerStrategy(former: "v1beta1")

    private static func named(_ object: JSONValue, _ version: String) -> JSONValue {
        var object = object
        object["apiVersion"] = .string(version)
        return object
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let spec = object["spec"] ?? [:]
        checkNumbers(spec, &errors)
        checkAddresses(spec, &errors)
        checkTimers(spec, &errors)
        checkPassword(object, &errors)
        for key in ["interface", "vrf"] { checkLine(spec.text(key), Self.path.child(key), spec[key], &errors) }
        if spec["peerPort"]?.int == 0 {
            errors.invalid(Self.path.child("peerPort"), 0, "must be between 1 and 16384, inclusive")
        }
        SelectorRules.checkSelectors(spec["nodeSelectors"], Self.path.child("nodeSelectors"), &errors)
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = validate(object, context)
        let key = "enableGracefulRestart"
        if (object["spec"][key].bool ?? false) != (old["spec"][key].bool ?? false) {
            errors.invalid(Self.path.child(key), object.at("spec", key) ?? false, "cannot be changed after creation")
        }
        return errors
    }

    private func checkNumbers(_ spec: JSONValue, _ errors: inout [FieldError]) {
        let mine = spec["myASN"]?.int ?? 0
        let theirs = spec["peerASN"]?.int ?? 0
        let dynamic = spec.text("dynamicASN")
        if mine == 0 { errors.required(Self.path.child("myASN")) }
        if theirs == 0, dynamic.isEmpty {
            errors.required(Self.path.child("peerASN"), "must be set, or dynamicASN")
        }
        if theirs != 0, !dynamic.isEmpty {
            errors.forbidden(Self.path.child("dynamicASN"), "may not be set together with peerASN")
        }
        if spec["ebgpMultiHop"] == true, mine == theirs || dynamic == "internal" {
            errors.forbidden(Self.path.child("ebgpMultiHop"), "may not be set for a peer of the same AS")
        }
    }

    private func checkAddresses(_ spec: JSONValue, _ errors: inout [FieldError]) {
        let address = spec.text("peerAddress")
        let isUnnumbered = !spec.text("interface").isEmpty
        if address.isEmpty, !isUnnumbered {
            errors.required(Self.path.child("peerAddress"), "must be set, or interface")
        }
        if !address.isEmpty, isUnnumbered {
            errors.forbidden(Self.path.child("interface"), "may not be set together with peerAddress")
        }
        for key in ["peerAddress", "sourceAddress", "routerID"] {
            let text = spec.text(key)
            guard !text.isEmpty else { continue }
            guard let parsed = IPAddress(text) else {
                errors.invalid(
                    Self.path.child(key), .string(text),
                    "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
                continue
            }
            if parsed.isUnspecified || parsed.isMulticast {
                errors.invalid(Self.path.child(key), .string(text), "must be a unicast address")
            } else if key == "routerID", parsed.family != .v4 {
                errors.invalid(Self.path.child(key), .string(text), "must be written as an IPv4 address")
            }
        }
        if let source = IPAddress(spec.text("sourceAddress")), let peer = IPAddress(address),
            source.family != peer.family
        {
            errors.invalid(
                Self.path.child("sourceAddress"), .string(source.description),
                "must be of the address family of peerAddress")
        }
    }

    /// RFC 4271 section 4.2: a hold time is 0 or at least 3 seconds, and two octets long.
    private func checkTimers(_ spec: JSONValue, _ errors: inout [FieldError]) {
        let hold = duration(spec, "holdTime", &errors)
        let keepalive = duration(spec, "keepaliveTime", &errors)
        let second: Int64 = 1_000_000_000
        let (tripled, overflows) = (keepalive ?? 0).multipliedReportingOverflow(by: 3)
        if let effective = hold ?? (keepalive == nil ? nil : overflows ? .max : tripled) {
            let key = hold == nil ? "keepaliveTime" : "holdTime"
            let seconds = effective / second
            if seconds != 0 && seconds < 3 || seconds > Int64(UInt16.max) {
                errors.invalid(
                    Self.path.child(key), spec[key] ?? .null,
                    hold == nil
                        ? "makes a hold time of three times as long, which must be 0 or between 3s and 65535s"
                        : "must be 0 or between 3s and 65535s")
            }
        }
        if let hold, let keepalive, keepalive > hold {
            errors.invalid(
                Self.path.child("keepaliveTime"), spec["keepaliveTime"] ?? .null, "must be lower than holdTime")
        }
        if let connect = duration(spec, "connectTime", &errors) {
            if !(second...Int64(UInt16.max) * second).contains(connect) {
                errors.invalid(
                    Self.path.child("connectTime"), spec["connectTime"] ?? .null,
                    "must be between 1s and 65535s, inclusive")
            } else if connect % second != 0 {
                errors.invalid(
                    Self.path.child("connectTime"), spec["connectTime"] ?? .null, "must be whole seconds")
            }
        }
    }

    private func duration(_ spec: JSONValue, _ key: String, _ errors: inout [FieldError]) -> Int64? {
        guard let text = spec.at(key)?.string else { return nil }
        guard let duration = GoDuration.parse(text), duration >= 0 else {
            errors.invalid(Self.path.child(key), .string(text), "must be a duration, (e.g. 90s)")
            return nil
        }
        return duration
    }

    private func checkPassword(_ object: JSONValue, _ errors: inout [FieldError]) {
        let password = object.text("spec", "password")
        // The value is a secret: it stands in no answer and no log.
        checkLine(password, Self.path.child("password"), "<hidden>", &errors)
        if password.utf8.count > 80 { errors.tooLong(Self.path.child("password"), 80) }
        let secret = object["spec"]["passwordSecret"]
        let path = Self.path.child("passwordSecret")
        let name = secret["name"].string ?? ""
        let namespace = secret["namespace"].string ?? ""
        if !password.isEmpty, !name.isEmpty {
            errors.forbidden(path, "may not be set together with password")
        }
        if !name.isEmpty {
            errors.invalid(path.child("name"), .string(name), Validation.dns1123Subdomain(name))
        } else if !namespace.isEmpty {
            errors.required(path.child("name"))
        }
        if !namespace.isEmpty, namespace != object.text("metadata", "namespace") {
            errors.invalid(
                path.child("namespace"), .string(namespace), "must be the namespace of the peer, or left out")
        }
    }

    /// What goes into one line of a configuration may not begin another.
    private func checkLine(_ text: String, _ path: FieldPath, _ value: JSONValue?, _ errors: inout [FieldError]) {
        if text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) {
            errors.invalid(path, value ?? .null, "may not contain control characters")
        }
    }
}
