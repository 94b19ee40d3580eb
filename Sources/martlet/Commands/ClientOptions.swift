import ArgumentParser
import Glibc
import KubeClient

/// How a process finds the API server.
struct ClientOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The kubeconfig to reach the API server with. Default: $KUBECONFIG (of a list the first "
                + "file that is there), else the one that `martlet up` wrote to "
                + "its standard directory.", valueName: "file"))
    var kubeconfig: String?

    @Option(help: ArgumentHelp("The context to use instead of the current one.", valueName: "name"))
    var context: String?

    func validate() throws {
        if kubeconfig?.isEmpty == true { throw ValidationError("--kubeconfig: the name of the file is empty") }
    }

    func configuration(userAgent: String) throws -> ClientConfiguration {
        let environment = getenv("KUBECONFIG").flatMap { Self.file(in: String(cString: $0)) }
        let path = kubeconfig ?? environment ?? DataDirectory.standardPath + "/local.kubeconfig"
        var configuration = try ClientConfiguration.kubeconfig(path, context: context)
        // The part in front of the slash is the name of the manager that owns what the component writes.
        configuration.userAgent = "martlet-\(userAgent)/\(ProgramVersion.current)"
        return configuration
    }

    /// The file that `$KUBECONFIG` means: of a list (`a:b`), which kubectl merges, the first that is there, else the last.
    /// nil for an empty one, which is as good as not set.
    static func file(in list: String, exists: (String) -> Bool = { access($0, F_OK) == 0 }) -> String? {
        let files = list.split(separator: ":").map(String.init)
        return files.first(where: exists) ?? files.last
    }
}
