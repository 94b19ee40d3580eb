import ArgumentParser
import Controllers
import System
import Transport

/// How the controllers treat other nodes. Names are kube-controller-manager's.
struct ClusterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How long a node may be silent before it counts as lost. Default: 40s.", valueName: "duration"),
        transform: TimeSpan.read)
    var nodeMonitorGracePeriod = TimeSpan.seconds(40)

    @Option(
        help: ArgumentHelp("How often silence is looked for. Default: 5s.", valueName: "duration"),
        transform: TimeSpan.read)
    var nodeMonitorPeriod = TimeSpan.seconds(5)

    @Option(
        help: ArgumentHelp("How long the certificates of nodes are good for. Default: 8760h.", valueName: "duration"),
        transform: TimeSpan.read)
    var clusterSigningDuration = TimeSpan.seconds(365 * 86400)

    func validate() throws {
        guard nodeMonitorPeriod.milliseconds >= 100,
            nodeMonitorGracePeriod.milliseconds >= nodeMonitorPeriod.milliseconds
        else {
            throw ValidationError(
                "--node-monitor-period is at least 100ms, and --node-monitor-grace-period at least as long")
        }
        guard clusterSigningDuration.seconds >= 600 else {
            throw ValidationError("--cluster-signing-duration: at least 10m")
        }
    }

    /// For the command line of the controllers of the server that has `directory`.
    func arguments(_ directory: DataDirectory) -> [String] {
        [
            "--node-monitor-grace-period", "\(nodeMonitorGracePeriod)", "--node-monitor-period", "\(nodeMonitorPeriod)",
            "--cluster-signing-duration", "\(clusterSigningDuration)",
            "--cluster-signing-cert-file", directory.caCertificate, "--cluster-signing-key-file", directory.caKey,
        ]
    }

    var nodeLifecycle: NodeLifecycleConfiguration {
        NodeLifecycleConfiguration(grace: nodeMonitorGracePeriod.duration, period: nodeMonitorPeriod.duration)
    }

    /// The authority of two PEM files.
    func signing(certificateFile: String, keyFile: String) throws -> CertificateSigningConfiguration {
        guard let certificate = try FileBytes.readIfPresent(certificateFile),
            let key = try FileBytes.readIfPresent(keyFile)
        else {
            throw CleanExitError(
                "--cluster-signing-cert-file, --cluster-signing-key-file: there is no file \(certificateFile) or \(keyFile)"
            )
        }
        return CertificateSigningConfiguration(
            authority: try CertificateAuthority(.init(certificatePEM: certificate, keyPEM: key)),
            seconds: Int(clusterSigningDuration.seconds))
    }
}
