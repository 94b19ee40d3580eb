import APIResources
import APIServer
import Foundation
import KubeClient
import KubeModel
import Logging
import NetworkTypes
import Testing

/// What the suite runs on: the API in memory that controllers are tested with, and the API server itself.
enum Backend: CaseIterable, CustomTestStringConvertible {
    case memory, server

    var testDescription: String { self == .memory ? "in memory" : "the API server" }

    /// Runs a test with a client and a namespace that exists.
    func run(_ body: (APIClient) async throws -> Void) async throws {
        switch self {
        case .memory:
            let definitions = [
                Namespace.definition, ConfigMap.definition, Service.definition, Ingress.definition, Pod.definition,
                Node.definition, Secret.definition,
            ]
            try await prepared(APIClient(transport: InMemoryAPI(definitions)), body)
        case .server:
            // A short path: a unix socket's may not be longer than 107 bytes.
            let folder = URL(filePath: "/tmp/martlet-conformance-\(UUID().uuidString.prefix(8))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }  // Left-over files do no harm.
            var configuration = APIServerConfiguration(
                storePath: folder.appending(path: "martlet.db").path,
                ranges: AllocationRanges(
                    serviceCIDRs: [try #require(CIDR("10.96.0.0/16"))], nodePorts: 30000...30100))
            let socket = folder.appending(path: "api.sock").path
            configuration.secureAddress = nil
            configuration.unixSocketPath = socket
            let server = try await APIServer.start(
                configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            do {
                try await prepared(try APIClient(ClientConfiguration(server: .unix(path: socket))), body)
            } catch {
                await server.shutdown()
                throw error
            }
            await server.shutdown()
        }
    }

    private func prepared(_ client: APIClient, _ body: (APIClient) async throws -> Void) async throws {
        _ = try await client.create(Namespace(metadata: ObjectMeta(name: "shop")))
        try await body(client)
    }
}

/// The status that a call fails with.
func status(_ body: () async throws -> some Sendable, sourceLocation: SourceLocation = #_sourceLocation) async
    -> Status?
{
    do {
        _ = try await body()
        Issue.record("it succeeded", sourceLocation: sourceLocation)
        return nil
    } catch let status as Status {
        return status
    } catch {
        Issue.record("\(error)", sourceLocation: sourceLocation)
        return nil
    }
}

func map(_ name: String, _ data: [String: String] = [:], labels: [String: String]? = nil) -> ConfigMap {
    ConfigMap(metadata: ObjectMeta(name: name, namespace: "shop", labels: labels), data: data)
}
