/// What is asked of an upstream server. Two equal ones have the same answer.
package struct Lookup: Hashable, Sendable {
    package var name: DomainName
    package var type: RecordType
    /// DO: signatures are wanted (RFC 3225).
    package var wantsSignatures: Bool
    /// CD: the upstream server need not check them (RFC 4035).
    package var isCheckingDisabled: Bool

    package init(name: DomainName, type: RecordType, wantsSignatures: Bool = false, isCheckingDisabled: Bool = false) {
        self.name = name
        self.type = type
        self.wantsSignatures = wantsSignatures
        self.isCheckingDisabled = isCheckingDisabled
    }
}
