import KubeModel

/// The formats that `format.named()` gives, each with the complaints that it has about a text.
enum CELFormat: String, Sendable {
    case dns1123Label, dns1123Subdomain, dns1035Label, qualifiedName, dns1123LabelPrefix, dns1123SubdomainPrefix
    case dns1035LabelPrefix, labelValue, uri, uuid, byte, date, datetime

    func complaints(about text: String) -> [String] {
        switch self {
        case .dns1123Label: Validation.dns1123Label(text)
        case .dns1123Subdomain: Validation.dns1123Subdomain(text)
        case .dns1035Label: Validation.dns1035Label(text)
        case .qualifiedName: Validation.qualifiedName(text)
        case .labelValue: Validation.labelValue(text)
        // A prefix may end in a dash, to which a generated name is added.
        case .dns1123LabelPrefix: Validation.dns1123Label(CELFormat.completed(text))
        case .dns1123SubdomainPrefix: Validation.dns1123Subdomain(CELFormat.completed(text))
        case .dns1035LabelPrefix: Validation.dns1035Label(CELFormat.completed(text))
        case .uri: GoURL(text) == nil ? ["invalid URI"] : []
        case .uuid: StringFormat.isUUID(text, version: nil) ? [] : ["does not match the UUID format"]
        case .byte: StringFormat.isBase64(text) ? [] : ["invalid base64"]
        case .date: StringFormat.matches("date", text) ? [] : ["invalid date"]
        case .datetime: StringFormat.matches("date-time", text) ? [] : ["invalid datetime"]
        }
    }

    private static func completed(_ text: String) -> String {
        text.hasSuffix("-") ? text.dropLast() + "a" : text
    }
}
