import ArgumentParser
import Glibc
import KubeClient

/// How a process finds the API server.
struct ClientOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The kubeconfig to reach the API server with. Default: $KUBECONFIG, else the one that `martlet up` wrote to "
                + "its standard directory.", valueName: "file"))
    var kubeconfig: String?

    @Option(help: ArgumentHelp("The context to use instead of the current one.", valueName: "name"))
    var context: String?

    func validate() throws {
        if kubeconfig?.isEmpty == true { throw ValidationError("--kubeconfig: the name of the file is empty") }
    }

    func configuration(userAgent: String) throws -> ClientConfiguration {
        // Empty is as good as not set, as for kubectl.
        let environment = getenv("KUBECONFIG").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        let path = kubeconfig ?? environment ?? DataDirectory.standardPath + "/local.kubeconfig"
        var configuration = try ClientConfiguration.kubeconfig(path, context: context)
        // The part in front of the slash is the name of the manager that owns what the component writes.
        configuration.userAgent = "martlet-\(userAgent)/\(Martlet.version)"
        return configuration
    }
}
