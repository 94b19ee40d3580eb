import KubeModel

extension FieldSet {
    /// Appends FieldsV1: `{"f:spec":{".":{},"f:ports":{}}}`.
    package func encode(into output: inout [UInt8]) {
        encode(isMember: false, into: &output)
    }

    private func encode(isMember: Bool, into output: inout [UInt8]) {
        output.append(UInt8(ascii: "{"))
        var isFirst = true
        // A leaf is a member by standing there; a member with others below says it with a dot.
        if isMember, !nodes.isEmpty {
            output.append(contentsOf: "\".\":{}".utf8)
            isFirst = false
        }
        for node in nodes {
            if !isFirst { output.append(UInt8(ascii: ",")) }
            isFirst = false
            node.element.encode(into: &output)
            output.append(UInt8(ascii: ":"))
            node.children.encode(isMember: node.isMember, into: &output)
        }
        output.append(UInt8(ascii: "}"))
    }

    package var fieldsV1: [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(256)
        encode(into: &output)
        return output
    }

    /// Reads FieldsV1.
    /// - Throws: for what is no such document, or nests more than 200 levels deep.
    package init(fieldsV1 bytes: some Collection<UInt8>) throws(FieldsV1Error) {
        var reader = FieldsV1Reader(Array(bytes))
        self = try reader.document()
    }
}
