package import NetworkTypes

/// Who may come, by address; others get 403.
package struct SourceRule: Sendable, Hashable {
    /// nil for everybody.
    package var allowed: AddressSet?
    package var denied: AddressSet

    package init(allowed: AddressSet? = nil, denied: AddressSet = AddressSet([])) {
        self.allowed = allowed
        self.denied = denied
    }

    package func admits(_ address: IPAddress) -> Bool {
        !denied.contains(address) && allowed?.contains(address) ?? true
    }
}
