import APIResources
import KubeModel

/// Objects as rows of a `meta.k8s.io` Table, so that clients can print kinds they don't know.
struct TableRenderer: Sendable {
    /// What of the object each row carries (query `includeObject`).
    enum IncludedObject: String, Sendable {
        case none = "None"
        case metadata = "Metadata"
        case object = "Object"
    }

    let columns: TableColumns
    let version: String
    let included: IncludedObject
    let now: Timestamp

    /// One whole Table.
    /// - Parameters:
    ///   - metadata: the list's metadata, encoded.
    ///   - withColumns: later events of a watch leave the definitions out.
    func table(_ objects: [[UInt8]], metadata: [UInt8], withColumns: Bool = true) throws(Status) -> [UInt8] {
        var output = Array("{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/\(version)\",\"metadata\":".utf8)
        output += metadata
        output += Array(",\"columnDefinitions\":".utf8)
        if withColumns { appendColumns(to: &output) } else { output += Array("[]".utf8) }
        output += Array(",\"rows\":[".utf8)
        for (index, object) in objects.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            try appendRow(object, to: &output)
        }
        output += Array("]}".utf8)
        return output
    }

    private func appendColumns(to output: inout [UInt8]) {
        JSONValue.array(
            columns.columns.map { column in
                [
                    "name": .string(column.name), "type": .string(column.type), "format": .string(column.format),
                    "description": .string(column.description), "priority": .integer(Int64(column.priority)),
                ]
            }
        ).encode(into: &output)
    }

    private func appendRow(_ object: [UInt8], to output: inout [UInt8]) throws(Status) {
        let document: JSONValue
        do {
            document = try JSONParser.parse(object)
        } catch {
            throw Status.internalError("a stored object is not JSON")
        }
        output += Array("{\"cells\":".utf8)
        JSONValue.array(columns.cells(document, now)).encode(into: &output)
        switch included {
        case .none: output += Array(",\"object\":null".utf8)
        case .metadata:
            output += Array(",\"object\":".utf8)
            MetadataCut.partialMetadata(of: object, version: version, into: &output)
        case .object:
            output += Array(",\"object\":".utf8)
            output += object
        }
        output.append(UInt8(ascii: "}"))
    }
}
