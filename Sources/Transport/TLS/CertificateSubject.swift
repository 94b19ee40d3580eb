/// The parts of an X.509 subject that Kubernetes uses: CN is the user, each O a group.
package struct CertificateSubject: Sendable, Hashable {
    package var commonName: String
    package var organizations: [String]

    package init(commonName: String, organizations: [String] = []) {
        self.commonName = commonName
        self.organizations = organizations
    }
}
