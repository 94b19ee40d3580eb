import Foundation
import Testing

@testable import APIResources

/// The field tables are complete: what a document says of a kind can be sent in protobuf too.
@Suite("Protobuf field tables") struct ProtobufFieldsTests {
    private typealias Object = [String: Any]

    /// Fields that the tables leave out: alpha in 1.36, behind gates that are off by default, so that a server of Kubernetes
    /// drops them from every body. Their numbers may still change before they are on.
    private static let left: Set<String> = [
        // KEP-5491 (lists of attributes) and KEP-5517 (resources of the node that devices stand for).
        "DeviceAttribute.bools", "DeviceAttribute.ints", "DeviceAttribute.strings", "DeviceAttribute.versions",
        "Device.nodeAllocatableResourceMappings", "PodStatus.nodeAllocatableResourceClaimStatuses",
        // KEP-4671 (gangs of Pods).
        "PodSpec.schedulingGroup",
        // KEP-4876 (volume limits in scheduling) and KEP-5365 (digests of image volumes).
        "CSIDriverSpec.preventPodSchedulingIfMissing", "VolumeMountStatus.volumeStatus",
    ]

    /// Structs that are no pointers, although the schema gives them no default.
    private static let structs: Set<String> = [
        "AllocationResult.devices", "LimitedPriorityLevelConfiguration.limitResponse", "PodTemplate.template",
        "DeviceResourceClaimSpec.devices", "ResourceClaimSpec.devices", "SelfSubjectReviewStatus.userInfo",
        "TokenReviewStatus.user",
    ]

    /// Both the decoder of protobuf and the decoded form of JSON go by it: a pointer's zero value says something.
    @Test(arguments: [
        "NetworkPolicyPeer.podSelector", "ContainerStatus.resources", "PodSpec.terminationGracePeriodSeconds",
        "DeploymentSpec.replicas", "PersistentVolumeClaimSpec.storageClassName", "IngressSpec.ingressClassName",
        "SecurityContext.runAsNonRoot", "Endpoint.nodeName",
    ])
    func `pointers are marked`(path: String) throws {
        let parts = path.split(separator: ".").map(String.init)
        let field = try #require(Self.fields(of: parts[0])[parts[1]])
        #expect(field.isPointer && !field.vanishesAtZero)
    }

    @Test(arguments: ProtobufFields.kinds.sorted { $0.key < $1.key })
    func `every field of a kind's schema has a number`(kind: String, message: String) throws {
        let parts = kind.split(separator: "/").map(String.init)
        let file = parts.count == 2 ? "api__\(parts[0])" : "apis__\(parts[0])__\(parts[1])"
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "openapi")
        let url = folder.appending(path: file + ".json")
        guard let data = try? Data(contentsOf: url) else { return }  // A kind that only bodies know, like Eviction.
        let document = try #require(try JSONSerialization.jsonObject(with: data) as? Object)
        let schemas = try #require((document["components"] as? Object)?["schemas"] as? [String: Object])
        let root = schemas.first { _, schema in
            (schema["x-kubernetes-group-version-kind"] as? [Object] ?? []).contains {
                $0["kind"] as? String == parts.last && $0["group"] as? String == (parts.count == 2 ? "" : parts[0])
            }
        }
        guard let root else { return }
        var missing: [String] = []
        var unmarked: [String] = []
        var seen: Set<String> = []
        var open = [(schema: root.key, message: message)]
        while let (name, message) = open.popLast() {
            guard seen.insert("\(name) \(message)").inserted, let schema = schemas[name] else { continue }
            let fields = Self.fields(of: message)
            for (property, node) in schema["properties"] as? [String: Object] ?? [:] {
                if ["apiVersion", "kind"].contains(property), fields["metadata"] != nil { continue }
                guard let field = fields[property] else {
                    if !Self.left.contains("\(message).\(property)") { missing.append("\(message).\(property)") }
                    continue
                }
                // Structs that are no pointers have the default {}; what is required is there anyway.
                if case .message = field.shape, !field.isRepeated, !field.isPointer, property != "metadata",
                    node["default"] == nil, !Self.structs.contains("\(message).\(property)"),
                    !(schema["required"] as? [String] ?? []).contains(property)
                {
                    unmarked.append("\(message).\(property)")
                }
                guard case .message(let inner) = Self.element(field.shape), let reference = Self.reference(node) else {
                    continue
                }
                open.append((reference, inner))
            }
        }
        #expect(missing.sorted() == [])
        #expect(unmarked.sorted() == [])
    }

    /// The fields of a message by their names in JSON, with those of inlined messages.
    private static func fields(of message: String) -> [String: ProtobufFields.Field] {
        var result: [String: ProtobufFields.Field] = [:]
        for field in (ProtobufFields.messages[message] ?? [:]).values {
            if field.isInline, case .message(let inner) = field.shape {
                result.merge(fields(of: inner)) { first, _ in first }
            } else {
                result[field.name] = field
            }
        }
        return result
    }

    private static func element(_ shape: ProtobufFields.Shape) -> ProtobufFields.Shape {
        if case .map(let inner) = shape { inner } else { shape }
    }

    /// The schema that a property's objects have.
    private static func reference(_ node: Object) -> String? {
        let inner =
            (node["allOf"] as? [Object])?.first ?? node["items"] as? Object
            ?? node["additionalProperties"] as? Object ?? node
        return (inner["$ref"] as? String).map { String($0.split(separator: "/").last ?? "") }
    }
}
