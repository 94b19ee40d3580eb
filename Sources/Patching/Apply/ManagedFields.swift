package import KubeModel

/// `metadata.managedFields`: which fields of an object each manager owns.
///
/// Source: Kubernetes' documentation of server-side apply and k8s.io/apimachinery's `ManagedFieldsEntry`.
package struct ManagedFields: Sendable {
    package struct Entry: Sendable {
        package var identity: FieldManagerIdentity
        package var fields: FieldSet { didSet { encodedFields = nil } }
        /// RFC 3339; nil in what a client has made up.
        package var time: String?
        /// The entry as it was read, as long as nothing in it has changed.
        fileprivate(set) var encoded: [UInt8]?
        /// The FieldsV1 of `fields` as it was read.
        fileprivate var encodedFields: [UInt8]?

        package init(_ identity: FieldManagerIdentity, _ fields: FieldSet, time: String?) {
            self.identity = identity
            self.fields = fields
            self.time = time
        }

        init(
            _ identity: FieldManagerIdentity, _ fields: FieldSet, time: String?, encoded: [UInt8],
            encodedFields: [UInt8]
        ) {
            self.init(identity, fields, time: time)
            self.encoded = encoded
            self.encodedFields = encodedFields
        }
    }

    /// In no particular order until they are encoded.
    package internal(set) var entries: [Entry]

    package init(_ entries: [Entry] = []) {
        self.entries = entries
    }

    package var isEmpty: Bool { entries.isEmpty }

    func position(of identity: FieldManagerIdentity) -> Int? {
        entries.firstIndex { $0.identity.isSame(as: identity) }
    }

    package subscript(identity: FieldManagerIdentity) -> Entry? {
        position(of: identity).map { entries[$0] }
    }

    /// Replaces what an entry owns.
    mutating func set(_ fields: FieldSet, at place: Int) {
        entries[place].fields = fields
        entries[place].encoded = nil
    }

    /// Notes when an entry, as it is, was last written.
    mutating func stamp(_ identity: FieldManagerIdentity, _ time: String, at place: Int) {
        entries[place].identity.apiVersion = identity.apiVersion
        entries[place].time = time
        entries[place].encoded = nil
    }
}

extension ManagedFields {
    /// Reads the JSON of the list.
    /// - Throws: for an entry that Kubernetes would not take either; the message says why.
    package init(encoded bytes: [UInt8]) throws(FieldsV1Error) {
        guard !bytes.isEmpty else {
            self.init([Entry]())
            return
        }
        // What this server has written is read without a document between; anything else as what it is.
        if let entries = FieldsV1Reader.entries(bytes) {
            self.init(entries)
            return
        }
        let list: [JSONValue]
        do {
            list = try JSONParser.parse(bytes).array ?? []
        } catch {
            throw FieldsV1Error(message: "managedFields is no JSON: \(error)")
        }
        try self.init(list)
    }

    /// Reads the list of a document.
    package init(_ list: [JSONValue]) throws(FieldsV1Error) {
        entries = []
        entries.reserveCapacity(list.count)
        for (place, value) in list.enumerated() {
            guard let operation = FieldManagerIdentity.Operation(rawValue: value["operation"].string ?? "") else {
                throw FieldsV1Error(message: "operation must be `Apply` or `Update`")
            }
            guard let version = value["apiVersion"].string, !version.isEmpty else {
                throw FieldsV1Error(message: "apiVersion must not be empty")
            }
            let type = value["fieldsType"].string ?? ""
            guard type == "FieldsV1" else {
                throw FieldsV1Error(
                    message: type.isEmpty
                        ? "missing fieldsType in managed fields entry \(place)"
                        : "invalid fieldsType \(goQuoted(type)) in managed fields entry \(place)")
            }
            let fields = try FieldSet(fieldsV1: (value["fieldsV1"] ?? [:]).encoded())
            let identity = FieldManagerIdentity(
                value["manager"].string ?? "", operation, apiVersion: version,
                subresource: value["subresource"].string ?? "")
            let entry = Entry(identity, fields, time: value["time"].string)
            // Of entries of the same manager the last counts.
            if let twin = position(of: identity) { entries[twin] = entry } else { entries.append(entry) }
        }
    }

    /// The JSON of the list, sorted as Kubernetes sorts it; empty when there is no entry.
    package mutating func encoded() -> [UInt8] {
        guard !entries.isEmpty else { return [] }
        if entries.count > 1 { entries.sort(by: Self.precedes) }
        var output: [UInt8] = []
        output.reserveCapacity(512 * entries.count)
        output.append(UInt8(ascii: "["))
        for (place, entry) in entries.enumerated() {
            if place > 0 { output.append(UInt8(ascii: ",")) }
            if let encoded = entry.encoded { output += encoded } else { Self.encode(entry, into: &output) }
        }
        output.append(UInt8(ascii: "]"))
        return output
    }

    private static func encode(_ entry: Entry, into output: inout [UInt8]) {
        output += "{\"manager\":".utf8
        JSONText.append(entry.identity.manager, to: &output)
        output +=
            entry.identity.operation == .apply ? ",\"operation\":\"Apply\"".utf8 : ",\"operation\":\"Update\"".utf8
        output += ",\"apiVersion\":".utf8
        JSONText.append(entry.identity.apiVersion, to: &output)
        if let time = entry.time {
            output += ",\"time\":".utf8
            JSONText.append(time, to: &output)
        }
        output += ",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":".utf8
        if let text = entry.encodedFields { output += text } else { entry.fields.encode(into: &output) }
        if !entry.identity.subresource.isEmpty {
            output += ",\"subresource\":".utf8
            JSONText.append(entry.identity.subresource, to: &output)
        }
        output.append(UInt8(ascii: "}"))
    }

    /// Appliers first, then by time, manager, version and subresource.
    private static func precedes(_ left: Entry, _ right: Entry) -> Bool {
        let (first, second) = (left.identity, right.identity)
        if first.operation != second.operation { return first.operation == .apply }
        if left.time != right.time {
            let times = (left.seconds, right.seconds)
            if times.0 != times.1 { return times.0 < times.1 }
        }
        if first.manager != second.manager { return first.manager < second.manager }
        if first.apiVersion != second.apiVersion { return first.apiVersion < second.apiVersion }
        return first.subresource < second.subresource
    }
}

extension ManagedFields.Entry {
    /// 0 without a time.
    var seconds: Int64 { time.flatMap { Timestamp($0) }?.secondsSinceEpoch ?? 0 }
}
