import Foundation
import KubeModel
import Testing

@testable import APIServer

/// The Gateway API's published definitions of the standard channel, which lie beside the project where they were fetched:
/// every one of them is accepted and served.
@Suite("The Gateway API's standard channel") struct GatewayChannelTests {
    private static let folder = "../shared/conformance/gateway-api"

    static let files: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        if names.isEmpty { print("skipped: \(folder) is not there") }
        return names.filter { $0.hasSuffix(".yaml") }.sorted()
    }()

    @Test(.enabled(if: !files.isEmpty, "the published definitions are not there"))
    func `every definition installs and is established`() async throws {
        let server = try await TestServer()
        for file in Self.files {
            let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(file)")))
            for document in try YAMLDocument.parseAll(bytes) where document["kind"] == "CustomResourceDefinition" {
                let name = document["metadata"]["name"].string ?? ""
                let answer = await server.send("POST", CustomResourceSamples.path, document)
                #expect(answer.status == 201, "\(file): \(answer.message)")
                #expect(await Polling.until { await server.condition("Established", of: name) == "True" }, "\(name)")
            }
        }
    }
}
