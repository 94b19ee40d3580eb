import KubeModel
import Testing

@testable import APIServer

@Suite("Which form an answer has") struct NegotiationTests {
    @Test(
        arguments: [
            (nil, "json object"), ("", "json object"), ("*/*", "json object"), ("application/json", "json object"),
            ("application/yaml", "yaml object"),
            ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", "json table v1"),
            ("application/json;as=Table;g=meta.k8s.io;v=v1beta1, application/json", "json table v1beta1"),
            ("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", "json partial v1"),
            ("application/vnd.kubernetes.protobuf,application/json", "json object"),
            ("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json;q=0.5", "json object"),
            ("application/json;as=Unknown;v=v1;g=meta.k8s.io,application/yaml", "yaml object"),
            ("application/vnd.kubernetes.protobuf;q=0.5,application/json;q=0.4", "json object"),
            ("text/html;q=0.9, application/yaml;q=0.2, application/json;q=0.8", "json object"),
        ] as [(String?, String)])
    func shapeFollowsTheHeader(_ header: String?, _ expected: String) throws {
        let shape = try ResponseShape(accept: header)
        let form =
            switch shape.form {
            case .object: "object"
            case .table(let version): "table \(version)"
            case .partialMetadata(let version): "partial \(version)"
            }
        #expect("\(shape.format) \(form)" == expected)
    }

    @Test(arguments: ["application/vnd.kubernetes.protobuf", "text/html", "application/json;q=0"])
    func nothingServableIs406(_ header: String) {
        #expect(throws: Status.notAcceptable(supported: ["application/json", "application/yaml"])) {
            try ResponseShape(accept: header)
        }
    }

    @Test(
        arguments: [
            ("application/vnd.kubernetes.protobuf", "protobuf object"),
            ("application/vnd.kubernetes.protobuf;stream=watch", "protobuf object"),
            ("application/vnd.kubernetes.protobuf,application/json", "protobuf object"),
            ("application/json,application/vnd.kubernetes.protobuf", "json object"),
            ("application/vnd.kubernetes.protobuf;q=0.5,application/json;q=0.8", "json object"),
            ("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json", "json object"),
            (
                "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json",
                "protobuf partial v1"
            ), ("*/*", "json object"),
        ])
    func `protobuf is answered where the kind has a message`(_ header: String, _ expected: String) throws {
        let shape = try ResponseShape(accept: header, ResponseShape.Offer(protobuf: true))
        let form = if case .partialMetadata(let version) = shape.form { "partial \(version)" } else { "object" }
        #expect("\(shape.format) \(form)" == expected)
    }

    @Test func `metadata alone has a message for every kind`() throws {
        let header = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
        #expect(try ResponseShape(accept: header).format == .protobuf)
    }
}
