import KubeModel

extension BuiltInTables {
    /// Events of both groups; a field of events.k8s.io is read where the core one is absent.
    static let events = TableColumns([
        TableColumn("Last Seen", description: "How long ago the event last occurred."),
        TableColumn("Type", description: "Severity of the event."),
        TableColumn("Reason", description: "Why the event came about, in a word."),
        TableColumn("Object", description: "Object the event is about."),
        TableColumn("Subobject", description: "Part of the object the event is about.", priority: 1),
        TableColumn("Source", description: "Component that reported the event.", priority: 1),
        TableColumn("Message", description: "What happened."),
        TableColumn("First Seen", description: "How long ago the event first occurred.", priority: 1),
        TableColumn("Count", description: "How often the event has occurred.", priority: 1),
        TableColumn("Name", format: "name", description: "Name of the event.", priority: 1),
    ]) { object, now in
        let row = TableCells(object: object, now: now)
        let series = object["series"]
        let regarding = object["involvedObject"] ?? object["regarding"]
        let first = seen(row, [object["firstTimestamp"], object["deprecatedFirstTimestamp"], object["eventTime"]])
        var last = seen(row, [object["lastTimestamp"], object["deprecatedLastTimestamp"]])
        if series != nil { last = row.since(series["lastObservedTime"]) }
        let recorded = object["count"].int ?? object["deprecatedCount"].int ?? 0
        // The new API has no count for a single event.
        let count = series != nil ? series["count"].int ?? 0 : (recorded == 0 ? 1 : recorded)
        let kind = (regarding["kind"].string ?? "").lowercased()
        let target = regarding["name"].string.flatMap { $0.isEmpty ? nil : "\(kind)/\($0)" } ?? kind
        let message = object["message"].string ?? object["note"].string ?? ""
        return [
            .string(last ?? first ?? TableCells.unknown),
            .string(object["type"].string ?? ""),
            .string(object["reason"].string ?? ""),
            .string(target),
            .string(regarding["fieldPath"].string ?? ""),
            .string(source(of: object)),
            .string(trimmed(message)),
            .string(first ?? TableCells.unknown),
            .integer(Int64(count)),
            row.name,
        ]
    }

    /// The time since the first of `times` that is set.
    private static func seen(_ row: TableCells, _ times: [JSONValue?]) -> String? {
        times.first { !($0.string ?? "").isEmpty }.map(row.since)
    }

    private static func source(of event: JSONValue) -> String {
        let source = event["source"] ?? event["deprecatedSource"]
        func first(_ candidates: JSONValue?...) -> String {
            candidates.lazy.compactMap(\.string).first { !$0.isEmpty } ?? ""
        }
        let component = first(source["component"], event["reportingComponent"], event["reportingController"])
        let instance = first(source["host"], event["reportingInstance"])
        return instance.isEmpty ? component : "\(component), \(instance)"
    }

    private static func trimmed(_ text: String) -> String {
        let start = text.drop(while: \.isWhitespace)
        let end = start.lastIndex { !$0.isWhitespace }
        return end.map { String(start[...$0]) } ?? ""
    }
}
