import KubeModel

/// `/version`: which Kubernetes this server behaves like, and that it is none.
enum ServerVersion {
    /// Of this project.
    static let martlet = "0.1.0"

    /// Of Kubernetes, as whose API server this one behaves.
    static let emulated = "1.36"

    /// - Parameter commit: Of the sources that the program was built from; "" where nobody knows.
    static func document(commit: String) -> [UInt8] {
        #if arch(arm64)
            let architecture = "arm64"
        #else
            let architecture = "amd64"
        #endif
        let document: JSONValue = [
            "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36",
            "gitVersion": .string("v\(emulated).0+martlet.\(martlet)"), "gitCommit": .string(commit),
            "gitTreeState": "clean",
            "buildDate": "1970-01-01T00:00:00Z", "goVersion": "none", "compiler": "swift",
            "platform": .string("linux/\(architecture)"),
        ]
        return document.encoded()
    }
}
