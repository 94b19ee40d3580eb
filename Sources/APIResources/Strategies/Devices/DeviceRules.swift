import KubeModel

/// The rules of claims for devices.
enum DeviceRules {
    private static let mostRequests = 32
    private static let mostSelectors = 32

    /// One device where a request that counts them does not say how many.
    static func setCounts(_ spec: inout JSONValue?) {
        guard case .array(var requests)? = spec["devices"]["requests"] else { return }
        for index in requests.indices {
            if requests[index].text("exactly", "allocationMode") == "ExactCount" {
                requests[index]["exactly"]?.setDefault("count", 1)
            }
            guard case .array(var choices)? = requests[index]["firstAvailable"] else { continue }
            for index in choices.indices where choices[index].text("allocationMode") == "ExactCount" {
                choices[index].setDefault("count", 1)
            }
            requests[index]["firstAvailable"] = .array(choices)
        }
        spec["devices"]["requests"] = .array(requests)
    }

    /// A `ResourceClaimSpec`.
    static func checkClaim(_ spec: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let path = path.child("devices")
        let devices = spec["devices"] ?? [:]
        let requests = devices["requests"]?.array ?? []
        if requests.count > mostRequests { errors.tooMany(path.child("requests"), requests.count, mostRequests) }
        var names: Set<String> = []
        for (index, request) in requests.enumerated() {
            let path = path.child("requests").index(index)
            checkName(request.text("name"), path.child("name"), &names, &errors)
            switch (request.at("exactly"), request["firstAvailable"]?.array ?? []) {
            case (nil, []): errors.required(path, "exactly one of `exactly` or `firstAvailable` is required")
            case (let exactly?, []): check(exactly, path.child("exactly"), &errors)
            case (nil, let choices):
                var choiceNames: Set<String> = []
                for (index, choice) in choices.enumerated() {
                    let path = path.child("firstAvailable").index(index)
                    checkName(choice.text("name"), path.child("name"), &choiceNames, &errors)
                    names.insert("\(request.text("name"))/\(choice.text("name"))")
                    check(choice, path, &errors)
                }
            case (.some, _):
                errors.invalid(path, request, "exactly one of `exactly` or `firstAvailable` is required")
            }
        }
        checkConfiguration(devices["config"]?.array ?? [], path.child("config"), names, &errors)
        for (index, constraint) in (devices["constraints"]?.array ?? []).enumerated() {
            let path = path.child("constraints").index(index)
            checkReferences(constraint, path, names, &errors)
            if constraint.at("matchAttribute") == nil, constraint.at("distinctAttribute") == nil {
                errors.required(path, "exactly one of `matchAttribute` or `distinctAttribute` is required")
            }
        }
    }

    static func checkSelectors(_ selectors: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        if selectors.count > mostSelectors { errors.tooMany(path, selectors.count, mostSelectors) }
        for (index, selector) in selectors.enumerated() {
            let path = path.index(index).child("cel")
            guard let cel = selector.at("cel") else {
                errors.required(path)
                continue
            }
            let expression = cel.text("expression")
            if expression.isEmpty {
                errors.required(path.child("expression"))
            } else {
                AdmissionExpressions.check(expression, path.child("expression"), &errors)
            }
        }
    }

    /// - Parameter names: of the requests that configuration can refer to; nil where there are none.
    static func checkConfiguration(
        _ configuration: [JSONValue], _ path: FieldPath, _ names: Set<String>?, _ errors: inout [FieldError]
    ) {
        for (index, entry) in configuration.enumerated() {
            let path = path.index(index)
            if let names { checkReferences(entry, path, names, &errors) }
            guard let opaque = entry.at("opaque") else {
                errors.required(path.child("opaque"))
                continue
            }
            checkDriver(opaque.text("driver"), path.child("opaque").child("driver"), &errors)
            if opaque["parameters"]?.object == nil { errors.required(path.child("opaque").child("parameters")) }
        }
    }

    static func checkDriver(_ name: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        if name.isEmpty { return errors.required(path) }
        if name.utf8.count > 63 { errors.tooLong(path, 63) }
        errors.invalid(path, .string(name), Validation.dns1123Subdomain(name))
    }

    private static func check(_ request: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let className = request.text("deviceClassName")
        if className.isEmpty {
            errors.required(path.child("deviceClassName"))
        } else {
            errors.invalid(path.child("deviceClassName"), .string(className), Validation.dns1123Subdomain(className))
        }
        checkSelectors(request["selectors"]?.array ?? [], path.child("selectors"), &errors)
        let count = request["count"]?.int ?? 0
        switch request.text("allocationMode") {
        case "All":
            if count != 0 {
                errors.invalid(
                    path.child("count"), request["count"] ?? 0, "must not be specified when allocationMode is 'All'")
            }
        case "ExactCount":
            if count <= 0 {
                errors.invalid(path.child("count"), request["count"] ?? 0, "must be greater than zero")
            }
        case let other: errors.notSupported(path.child("allocationMode"), other, ["All", "ExactCount"])
        }
    }

    private static func checkName(
        _ name: String, _ path: FieldPath, _ names: inout Set<String>, _ errors: inout [FieldError]
    ) {
        if name.isEmpty { return errors.required(path) }
        errors.invalid(path, .string(name), Validation.dns1123Label(name))
        if !names.insert(name).inserted { errors.duplicate(path, .string(name)) }
    }

    private static func checkReferences(
        _ entry: JSONValue, _ path: FieldPath, _ names: Set<String>, _ errors: inout [FieldError]
    ) {
        for (index, request) in (entry["requests"]?.array ?? []).map({ $0.string ?? "" }).enumerated()
        where !names.contains(request) {
            errors.invalid(
                path.child("requests").index(index), .string(request),
                "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'")
        }
    }
}
