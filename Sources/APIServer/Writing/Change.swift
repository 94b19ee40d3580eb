import KubeModel

/// What a write asks for. A function of it and of the object as it is leads to the object as it is to be; a lost race
/// runs that again on the newer object.
enum Change: Sendable {
    /// A new object (POST); its name may be made from `metadata.generateName`. `members` are those of the text that it was
    /// read from.
    case create(JSONValue, members: ParsedMembers? = nil)
    /// A whole document in place of what is there (PUT).
    case replace(Replacement)
    /// A function of what is there (the patches, and what the server itself has to change).
    case edit(Edit)
    /// A configuration that is to be so: server-side apply. Creates the object when there is none.
    case apply(JSONValue)

    struct Replacement: Sendable {
        /// What the client sent: the object, or what a subresource shows of it.
        var document: JSONValue
        /// What the document may share with the object as it is.
        var members: ParsedMembers?
        /// Whether a missing object is created; otherwise 404.
        var createsWhenMissing = false
    }

    struct Edit: Sendable {
        /// Whether `perform` wants to see `metadata.managedFields`.
        var readsManagedFields = false
        /// Whether a lost race is nobody's concern but the server's.
        var retriesLostRaces = true
        /// Served form in, served form out; what clients should hear besides is added to `warnings`.
        var perform: @Sendable (_ old: JSONValue, _ warnings: inout [String]) throws(Status) -> JSONValue
    }

    /// What the server itself changes, whatever version is there.
    static func amend(_ change: @escaping @Sendable (inout JSONValue) -> Void) -> Change {
        .edit(
            Edit { (old, _) throws(Status) in
                var new = old
                new["metadata"]["resourceVersion"] = nil
                change(&new)
                return new
            })
    }

    /// Without a version of the client's own, a lost race is tried again.
    var retriesLostRaces: Bool {
        switch self {
        case .create: false
        case .replace(let replacement): Self.namesNoVersion(replacement.document)
        case .edit(let edit): edit.retriesLostRaces
        case .apply(let configuration): Self.namesNoVersion(configuration)
        }
    }

    private static func namesNoVersion(_ document: JSONValue) -> Bool {
        (document["metadata"]["resourceVersion"].string ?? "").isEmpty
    }
}
