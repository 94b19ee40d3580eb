import KubeModel
import NetworkTypes

/// `networking.k8s.io/v1 NetworkPolicy`: kept and checked; nothing enforces it.
struct NetworkPolicyStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", short: ["netpol"])
    let generationRule = GenerationRule.spec

    private static let types = ["Egress", "Ingress"]

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        guard (object["spec"]["policyTypes"].array ?? []).isEmpty else { return }
        let restrictsEgress = !(object["spec"]["egress"].array ?? []).isEmpty
        object["spec"]["policyTypes"] = restrictsEgress ? ["Ingress", "Egress"] : ["Ingress"]
    }

    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        prepareForCreate(&object, context)
    }

    /// A guard that looks shut and is open is told to who writes it, each time it changes.
    func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] {
        object["spec"] == old?["spec"]
            ? [] : ["NetworkPolicy: stored, but this server drops nothing: traffic flows as without it"]
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let spec = object["spec"]
        let path = FieldPath("spec")
        checkSelector(spec["podSelector"], path.child("podSelector"), &errors)
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            for (index, rule) in (spec[direction].array ?? []).enumerated() {
                let path = path.child(direction).index(index)
                for (index, port) in (rule["ports"]?.array ?? []).enumerated() {
                    checkPort(port, path.child("ports").index(index), &errors)
                }
                for (index, peer) in (rule[peers]?.array ?? []).enumerated() {
                    checkPeer(peer, path.child(peers).index(index), &errors)
                }
            }
        }
        let types = spec["policyTypes"].array ?? []
        let typesPath = path.child("policyTypes")
        if types.count > 2 {
            errors.invalid(typesPath, .array(types), "may not specify more than two policyTypes")
        } else {
            for (index, type) in types.enumerated() {
                errors.oneOf(typesPath.index(index), type.string ?? "", Self.types)
            }
        }
        return errors
    }

    private func checkSelector(_ selector: JSONValue?, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let selector = LabelSelector(document: selector) else { return }
        errors += Validation.labelSelector(selector, at: path)
    }

    private func checkPort(_ port: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        if let name = port["protocol"]?.string { errors.oneOf(path.child("protocol"), name, PortRules.protocols) }
        let endPath = path.child("endPort")
        let end = port.at("endPort")
        switch port.at("port") {
        case nil:
            if let end { errors.invalid(endPath, end, "may not be specified when `port` is not specified") }
        case .string(let name)?:
            if let end { errors.invalid(endPath, end, "may not be specified when `port` is non-numeric") }
            errors.invalid(path.child("port"), .string(name), Validation.portName(name))
        case let number?:
            PortRules.checkNumber(number.int ?? 0, path.child("port"), &errors)
            guard let end else { return }
            if end.int ?? 0 < number.int ?? 0 {
                errors.invalid(endPath, number, "must be greater than or equal to `port`")
            }
            PortRules.checkNumber(end.int ?? 0, endPath, &errors)
        }
    }

    private func checkPeer(_ peer: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        var count = 0
        for key in ["podSelector", "namespaceSelector"] where peer.at(key) != nil {
            count += 1
            checkSelector(peer[key], path.child(key), &errors)
        }
        if let block = peer.at("ipBlock") {
            count += 1
            checkBlock(block, path.child("ipBlock"), &errors)
            if count > 1 { errors.forbidden(path, "may not specify both ipBlock and another peer") }
        }
        if count == 0 { errors.required(path, "must specify a peer") }
    }

    private func checkBlock(_ block: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let text = block.text("cidr")
        guard !text.isEmpty else { return errors.required(path.child("cidr")) }
        guard let range = CIDR(text) else {
            return errors.invalid(path.child("cidr"), .string(text), AddressMessages.range)
        }
        for (index, exception) in (block["except"]?.array ?? []).enumerated() {
            let path = path.child("except").index(index)
            guard let inner = CIDR(exception.string ?? "") else {
                errors.invalid(path, exception, AddressMessages.range)
                continue
            }
            if !range.contains(inner) || inner.prefixLength <= range.prefixLength {
                errors.invalid(path, exception, "must be a strict subset of `cidr`")
            }
        }
    }
}
