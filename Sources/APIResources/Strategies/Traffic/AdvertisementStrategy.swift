import KubeModel

/// `metallb.io/v1beta1 L2Advertisement` and `BGPAdvertisement`: which addresses are announced, by whom and how.
struct AdvertisementStrategy: ResourceStrategy {
    enum Means: Sendable {
        case layer2
        case bgp(AggregationLengths)
    }

    let definition: ResourceDefinition
    let means: Means
    let generationRule = GenerationRule.spec
    let isCheckedBySchema = true

    init(_ means: Means) {
        self.means = means
        definition =
            switch means {
            case .layer2:
                .builtIn("metallb.io", "v1beta1", "L2Advertisement", "l2advertisements", hasStatus: true)
            case .bgp:
                .builtIn("metallb.io", "v1beta1", "BGPAdvertisement", "bgpadvertisements", hasStatus: true)
            }
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let spec = object["spec"]
        let path = FieldPath("spec")
        SelectorRules.checkNames(spec["ipAddressPools"], path.child("ipAddressPools"), &errors)
        for list in ["ipAddressPoolSelectors", "nodeSelectors", "serviceSelectors"] {
            SelectorRules.checkSelectors(spec[list], path.child(list), &errors)
        }
        switch means {
        case .layer2:
            SelectorRules.checkNames(spec["interfaces"], path.child("interfaces"), &errors)
            for (index, preferred) in (spec["preferredNodeSelectors"].array ?? []).enumerated() {
                guard let selector = LabelSelector(document: preferred["preference"]) else { continue }
                SelectorRules.check(
                    selector, path.child("preferredNodeSelectors").index(index).child("preference"), &errors)
            }
        case .bgp:
            SelectorRules.checkNames(spec["peers"], path.child("peers"), &errors)
            checkAttributes(spec, path, &errors)
        }
        return errors
    }

    func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        let errors = validate(object, context)
        guard errors.isEmpty, case .bgp(let lengths) = means else { return errors }
        return [lengths.finding(inAdvertisement: object)].compactMap { $0 }
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        // What is stored stays writable.
        object["spec"] == old["spec"] ? validate(object, context) : validateCreate(object, context)
    }

    var holdsClaims: Bool {
        if case .bgp = means { true } else { false }
    }

    func allocate(_ object: inout JSONValue, replacing old: JSONValue?, _ context: StrategyContext) throws(Status)
        -> (any AllocationTransaction)?
    {
        guard case .bgp(let lengths) = means else { return nil }
        let written = object
        return AggregationLengths.Keeping { lengths.keep(advertisement: written) }
    }

    func release(_ object: JSONValue) {
        if case .bgp(let lengths) = means { lengths.remove(advertisement: object) }
    }

    func restore(_ object: JSONValue) {
        if case .bgp(let lengths) = means { lengths.keep(advertisement: object) }
    }

    private func checkAttributes(_ spec: JSONValue?, _ path: FieldPath, _ errors: inout [FieldError]) {
        for (key, longest) in [("aggregationLength", 32), ("aggregationLengthV6", 128)] {
            guard let length = spec?.at(key) else { continue }
            if !(1...longest).contains(length.int ?? -1) {
                errors.invalid(path.child(key), length, "must be between 1 and \(longest), inclusive")
            } else if length.int != longest, !(spec["serviceSelectors"].array ?? []).isEmpty {
                errors.forbidden(
                    path.child(key), "may not be set together with serviceSelectors: a prefix is of many Services")
            }
        }
        if let preference = spec?.at("localPref"), !(0...Int(UInt32.max)).contains(preference.int ?? -1) {
            errors.invalid(path.child("localPref"), preference, "must be between 0 and 4294967295, inclusive")
        }
        let communities = path.child("communities")
        SelectorRules.checkNames(spec["communities"], communities, &errors)
        for (index, community) in (spec["communities"].array ?? []).enumerated() {
            if case .invalid(let reason) = CommunityRules.judge(community.string ?? "") {
                errors.invalid(communities.index(index), community, reason)
            }
        }
    }
}
