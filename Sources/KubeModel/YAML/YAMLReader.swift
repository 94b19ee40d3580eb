import CYAML

/// Builds documents from libyaml's events. Owns the parser.
struct YAMLReader: ~Copyable {
    /// What an alias adds: nodes plus bytes of text.
    private struct Sized {
        let value: JSONValue
        let size: Int
        /// How many containers lie within one another; 0 for a scalar.
        let height: Int
    }

    private struct Event {
        enum Kind {
            case end, documentStart, documentEnd, sequenceStart, sequenceEnd, mappingStart, mappingEnd, alias, scalar
            case other
        }

        var kind: Kind
        var text = ""
        var isPlain = false
        var tag: String?
        var anchor: String?
        var line: Int
    }

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let limits: YAMLDocument.Limits
    private var anchors: [ByteKey: Sized] = [:]
    private var aliased = 0
    private var path: [FieldPath.Step] = []
    private(set) var duplicates: [YAMLDocument.Duplicate] = []

    /// The bytes must stay valid and unchanged while the reader is used.
    init(_ bytes: UnsafeBufferPointer<UInt8>, _ limits: YAMLDocument.Limits) throws(YAMLError) {
        self.limits = limits
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(parser) == 1 else {
            throw YAMLError(.syntax, "out of memory", line: 0)
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.baseAddress ?? UnsafePointer(YAMLReader.noBytes), bytes.count)
    }

    private static nonisolated(unsafe) let noBytes = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    mutating func documents() throws(YAMLError) -> [JSONValue] {
        var result: [JSONValue] = []
        while true {
            let event = try next()
            switch event.kind {
            case .end: return result
            case .documentStart:
                anchors = [:]
                result.append(try node(try next(), depth: 0).value)
            default: break
            }
        }
    }

    private mutating func next() throws(YAMLError) -> Event {
        var raw = yaml_event_t()
        guard yaml_parser_parse(parser, &raw) == 1 else {
            let problem = parser.pointee.problem.map { String(cString: $0) } ?? "unknown problem parsing YAML content"
            let isInput = parser.pointee.error == YAML_READER_ERROR
            // Line numbers count from 0, and a scanner's mark stands after the line that it complains of.
            let line = isInput ? 0 : Int(parser.pointee.problem_mark.line) + 1
            throw YAMLError(.syntax, problem, line: line)
        }
        defer { yaml_event_delete(&raw) }
        var event = Event(kind: .other, line: Int(raw.start_mark.line) + 1)
        switch raw.type {
        case YAML_STREAM_END_EVENT: event.kind = .end
        case YAML_DOCUMENT_START_EVENT: event.kind = .documentStart
        case YAML_DOCUMENT_END_EVENT: event.kind = .documentEnd
        case YAML_SEQUENCE_END_EVENT: event.kind = .sequenceEnd
        case YAML_MAPPING_END_EVENT: event.kind = .mappingEnd
        case YAML_SEQUENCE_START_EVENT:
            event.kind = .sequenceStart
            event.anchor = YAMLReader.string(raw.data.sequence_start.anchor)
        case YAML_MAPPING_START_EVENT:
            event.kind = .mappingStart
            event.anchor = YAMLReader.string(raw.data.mapping_start.anchor)
        case YAML_ALIAS_EVENT:
            event.kind = .alias
            event.anchor = YAMLReader.string(raw.data.alias.anchor)
        case YAML_SCALAR_EVENT:
            event.kind = .scalar
            let scalar = raw.data.scalar
            // libyaml has checked that it is UTF-8.
            event.text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            event.isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            event.tag = YAMLReader.string(scalar.tag)
            event.anchor = YAMLReader.string(scalar.anchor)
        default: break
        }
        return event
    }

    private static func string(_ text: UnsafeMutablePointer<UInt8>?) -> String? {
        text.map { String(cString: $0) }
    }

    private mutating func node(_ event: Event, depth: Int) throws(YAMLError) -> Sized {
        let result: Sized
        switch event.kind {
        case .scalar:
            result = Sized(value: try YAMLReader.scalar(event), size: 1 + event.text.utf8.count, height: 0)
        case .sequenceStart:
            try checkDepth(depth + 1, event)
            result = try sequence(depth: depth)
        case .mappingStart:
            try checkDepth(depth + 1, event)
            result = try mapping(depth: depth)
        case .alias:
            guard let name = event.anchor, let known = anchors[ByteKey(name)] else {
                throw YAMLError(.unknownAlias, "unknown anchor '\(event.anchor ?? "")' referenced", line: event.line)
            }
            aliased += known.size
            guard aliased <= limits.aliasBudget else {
                throw YAMLError(.aliasBudget, "document contains excessive aliasing", line: event.line)
            }
            // What an alias stands for was read higher up.
            try checkDepth(depth + known.height, event)
            return known
        default:
            throw YAMLError(.syntax, "did not find expected node content", line: event.line)
        }
        if let anchor = event.anchor { anchors[ByteKey(anchor)] = result }
        return result
    }

    private func checkDepth(_ depth: Int, _ event: Event) throws(YAMLError) {
        if depth > limits.maximumDepth { throw YAMLError(.tooDeep, "exceeded max depth", line: event.line) }
    }

    private static func scalar(_ event: Event) throws(YAMLError) -> JSONValue {
        do {
            return try YAMLScalar.resolve(event.text, isPlain: event.isPlain, tag: event.tag)
        } catch {
            throw YAMLError(.badScalar, error.message, line: event.line)
        }
    }

    private mutating func sequence(depth: Int) throws(YAMLError) -> Sized {
        var elements: [JSONValue] = []
        var size = 1
        var height = 0
        while true {
            let event = try next()
            if event.kind == .sequenceEnd { return Sized(value: .array(elements), size: size, height: height + 1) }
            path.append(.index(elements.count))
            let element = try node(event, depth: depth + 1)
            path.removeLast()
            elements.append(element.value)
            size += element.size
            height = max(height, element.height)
        }
    }

    private mutating func mapping(depth: Int) throws(YAMLError) -> Sized {
        var object = JSONObject()
        var merged: [JSONObject] = []
        var size = 1
        var height = 0
        while true {
            let event = try next()
            if event.kind == .mappingEnd { break }
            let isMerge = event.kind == .scalar && event.isPlain && event.text == "<<" && event.tag == nil
            let keyNode = try node(event, depth: depth + 1)
            let key = try YAMLReader.key(keyNode.value, line: event.line)
            path.append(.child(key))
            defer { path.removeLast() }
            let value = try node(try next(), depth: depth + 1)
            size += keyNode.size + value.size
            height = max(height, value.height)
            if isMerge {
                merged += try YAMLReader.mergeSources(value.value, line: event.line)
                continue
            }
            if object.contains(key) {
                duplicates.append(
                    YAMLDocument.Duplicate(key: key, path: FieldPath(steps: path).description, line: event.line))
            }
            object[key] = value.value
        }
        // The mapping's own keys win, then those of earlier sources.
        for source in merged {
            for (key, value) in source where !object.contains(key) { object[key] = value }
        }
        return Sized(value: .object(object), size: size, height: height + 1)
    }

    private static func mergeSources(_ value: JSONValue, line: Int) throws(YAMLError) -> [JSONObject] {
        switch value {
        case .object(let object): return [object]
        case .array(let elements):
            let objects = elements.compactMap(\.object)
            if objects.count == elements.count { return objects }
        default: break
        }
        throw YAMLError(.badKey, "map merge requires map or sequence of maps as the value", line: line)
    }

    private static func key(_ value: JSONValue, line: Int) throws(YAMLError) -> String {
        switch value {
        case .string(let text): return text
        case .bool, .integer, .number: return value.description
        case .null, .array, .object:
            throw YAMLError(.badKey, "unsupported map key of type: \(value.typeName)", line: line)
        }
    }
}
