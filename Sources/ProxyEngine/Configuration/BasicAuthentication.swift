package import Passwords

/// Who may come by name and password (RFC 7617); others get 401.
package struct BasicAuthentication: Sendable, Hashable {
    /// What the client is told that the password is for, as it stands between the quotes of a field.
    package let quotedRealm: [UInt8]
    /// nil where nobody can be judged: every request is answered 503.
    package let users: PasswordFile?

    /// - Parameter realm: of it only what may stand in a field is told.
    package init(realm: String, users: PasswordFile?) {
        self.users = users
        quotedRealm = realm.utf8.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): [UInt8(ascii: "\\"), byte]
            case 0x20..<0x7F: [byte]
            default: []
            }
        }
    }
}
