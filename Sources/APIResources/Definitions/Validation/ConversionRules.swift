import KubeModel

/// What `spec.conversion` of a CustomResourceDefinition may say (Kubernetes: `validateCustomResourceConversion`). Paths are
/// those of Kubernetes' messages, which name fields of its internal version: `webhookClientConfig` for
/// `webhook.clientConfig`.
enum ConversionRules {
    /// The versions of ConversionReview that an API server can send.
    private static let reviewVersions = ["v1", "v1beta1"]

    /// - Parameter old: the definition that is replaced; nil on create.
    static func check(
        _ conversion: JSONValue?, replacing old: JSONValue?, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        guard let conversion else { return }
        let strategy = conversion.text("strategy")
        if strategy.isEmpty {
            errors.required(path.child("strategy"))
        } else {
            errors.oneOf(path.child("strategy"), strategy, ["None", "Webhook"])
        }
        let webhook = conversion.at("webhook")
        let client = webhook?.at("clientConfig")
        let versions = (webhook?["conversionReviewVersions"].array ?? []).map { $0.string ?? "" }
        let clientPath = path.child("webhookClientConfig")
        let versionsPath = path.child("conversionReviewVersions")
        guard strategy == "Webhook" else {
            let detail = "should not be set when strategy is not set to Webhook"
            if client != nil { errors.forbidden(clientPath, detail) }
            if !versions.isEmpty { errors.forbidden(versionsPath, detail) }
            return
        }
        if let client {
            WebhookClientRules.check(client, clientPath, &errors)
            checkBundle(client.text("caBundle"), replacing: old, clientPath.child("caBundle"), &errors)
        } else {
            errors.required(clientPath, "required when strategy is set to Webhook")
        }
        check(versions, replacing: old, versionsPath, &errors)
    }

    private static func check(
        _ versions: [String], replacing old: JSONValue?, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        if versions.isEmpty { errors.required(path) }
        var seen: Set<String> = []
        for (index, version) in versions.enumerated() {
            guard seen.insert(version).inserted else {
                errors.invalid(path.index(index), .string(version), "duplicate version")
                continue
            }
            for problem in Validation.dns1035Label(version) {
                errors.invalid(path.index(index), .string(version), problem)
            }
        }
        let known = Set(reviewVersions)
        let before = (old?.at("spec", "conversion", "webhook")?["conversionReviewVersions"].array ?? [])
            .compactMap(\.string)
        // A definition that never had a known version may be changed elsewhere.
        let mayBeUnknown = !before.isEmpty && known.isDisjoint(with: before)
        if !versions.isEmpty, known.isDisjoint(with: seen), !mayBeUnknown {
            errors.invalid(
                path, JSONValue(versions), "must include at least one of \(reviewVersions.joined(separator: ", "))")
        }
    }

    /// Charts create definitions with a bundle that somebody injects later: it is looked at once the definition is
    /// established, and not where it was bad before.
    private static func checkBundle(
        _ bundle: String, replacing old: JSONValue?, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        guard !bundle.isEmpty, let old, DefinitionStatus.isTrue("Established", old["status"]) else { return }
        let before = old.at("spec", "conversion", "webhook", "clientConfig")?.text("caBundle") ?? ""
        guard before.isEmpty || hasCertificate(before), !hasCertificate(bundle) else { return }
        errors.invalid(
            path, .string(bundle), "unable to load root certificates: unable to parse bytes as PEM block")
    }

    private static func hasCertificate(_ bundle: String) -> Bool {
        let text = String(decoding: Base64.decode(bundle) ?? [], as: UTF8.self)
        guard let begin = text.firstRange(of: "-----BEGIN CERTIFICATE-----") else { return false }
        return text[begin.upperBound...].contains("-----END CERTIFICATE-----")
    }
}
