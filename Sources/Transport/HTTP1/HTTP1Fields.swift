/// The header fields of one head: an index into its bytes. Reused from head to head. The first ``inlineCapacity`` fields
/// need no heap; how many there may be follows from the bytes that the head may have (``HTTP1HeadLimits``).
package struct HTTP1Fields: Sendable {
    /// Fields that have a place without an allocation: more than browsers and clients of Kubernetes send.
    package static let inlineCapacity = 64

    package private(set) var count = 0
    private var storage = InlineArray<64, HTTP1Field>(repeating: HTTP1Field())
    /// The fields beyond ``inlineCapacity``.
    private var overflow: [HTTP1Field] = []

    // What the fields say together.
    /// nil when absent.
    package private(set) var contentLength: Int?
    package private(set) var isChunked = false
    package private(set) var connectionClose = false
    package private(set) var connectionKeepAlive = false
    /// `Connection` lists `upgrade`.
    package private(set) var connectionUpgrade = false
    package private(set) var expectsContinue = false
    /// The value of Host; nil when absent.
    package private(set) var host: HTTP1Slice?
    /// The value of Upgrade; nil when absent.
    package private(set) var upgrade: HTTP1Slice?
    /// `Transfer-Encoding` of a response names a coding that its recipient has to undo, other than the final `chunked`.
    package private(set) var isCoded = false
    /// Some line of a response ends without CR, or its `Content-Length` was said more than once: whoever passes the head on
    /// writes its lines anew.
    package private(set) var needsNewLines = false

    package init() {}

    /// The field at a position below ``count``.
    @inline(__always)
    package subscript(index: Int) -> HTTP1Field {
        precondition(index < count)
        return index < Self.inlineCapacity ? storage[index] : overflow[index - Self.inlineCapacity]
    }

    /// The first field of a kind.
    package func first(_ kind: HTTP1FieldKind) -> HTTP1Field? {
        for index in 0..<count where self[index].kind == kind { return self[index] }
        return nil
    }

    private mutating func reset() {
        count = 0
        if !overflow.isEmpty { overflow = [] }
        contentLength = nil
        isChunked = false
        connectionClose = false
        connectionKeepAlive = false
        connectionUpgrade = false
        expectsContinue = false
        host = nil
        upgrade = nil
        isCoded = false
        needsNewLines = false
    }

    /// Parses field lines from `position` up to and including the empty line, and moves `position` behind it.
    ///
    /// - Parameter isResponse: read as recipients of responses do, for who sends it is chosen by us: lines may end in a
    ///   bare LF (RFC 9112, 2.2), values may hold control characters other than CR, LF and NUL (RFC 9110, 5.5), codings
    ///   before `chunked` are the client's matter, and fields that only requests have mean nothing.
    mutating func parse(
        _ buffer: UnsafeRawBufferPointer, position: inout Int, isResponse: Bool = false
    ) -> HTTP1ParseResult {
        reset()
        var index = position
        while true {
            guard index < buffer.count else { return .incomplete }
            let first = buffer[index]
            if first == 0x0D {
                guard index + 1 < buffer.count else { return .incomplete }
                guard buffer[index + 1] == 0x0A else { return .invalid(.malformedLineEnd) }
                position = index + 2
                return .complete
            }
            if first == 0x20 || first == 0x09 { return .invalid(.obsoleteFolding) }
            if first == 0x0A {
                guard isResponse else { return .invalid(.malformedLineEnd) }
                needsNewLines = true
                position = index + 1
                return .complete
            }

            let nameEnd = HTTP1Scan.endOfToken(buffer, from: index)
            guard nameEnd < buffer.count else { return .incomplete }
            guard nameEnd > index, buffer[nameEnd] == 0x3A else { return .invalid(.malformedField) }
            var valueStart = nameEnd + 1
            while valueStart < buffer.count, buffer[valueStart] == 0x20 || buffer[valueStart] == 0x09 {
                valueStart += 1
            }
            var lineEnd = HTTP1Scan.endOfFieldValue(buffer, from: valueStart)
            if isResponse { Self.skipControls(buffer, &lineEnd) }
            guard lineEnd < buffer.count else { return .incomplete }
            var next = lineEnd + 2
            if buffer[lineEnd] == 0x0D {
                guard lineEnd + 1 < buffer.count else { return .incomplete }
                guard buffer[lineEnd + 1] == 0x0A else { return .invalid(.malformedLineEnd) }
            } else if buffer[lineEnd] == 0x0A {
                guard isResponse else { return .invalid(.malformedLineEnd) }
                needsNewLines = true
                next = lineEnd + 1
            } else {
                return .invalid(.malformedField)
            }
            var valueEnd = lineEnd
            while valueEnd > valueStart, buffer[valueEnd - 1] == 0x20 || buffer[valueEnd - 1] == 0x09 { valueEnd -= 1 }

            let kind = HTTP1FieldKind.recognise(UnsafeRawBufferPointer(rebasing: buffer[index..<nameEnd]))
            let field = HTTP1Field(
                name: HTTP1Slice(index, nameEnd), value: HTTP1Slice(valueStart, valueEnd), kind: kind)
            append(field)
            if isResponse, kind == .contentLength {
                if let violation = noteLength(field, buffer) { return .invalid(violation) }
            } else if kind != .other, let violation = note(field, buffer, isResponse) {
                return .invalid(violation)
            }
            index = next
        }
    }

    /// Moves `end` on from control characters that a response's value may hold.
    private static func skipControls(_ buffer: UnsafeRawBufferPointer, _ end: inout Int) {
        while end < buffer.count, buffer[end] != 0x0D, buffer[end] != 0x0A, buffer[end] != 0x00 {
            end = HTTP1Scan.endOfFieldValue(buffer, from: end + 1)
        }
    }

    /// A response's codings: `identity` is none (RFC 2616 had it), `chunked` must be the last and once.
    ///
    /// A second field that says `chunked` and nothing else says nothing new.
    private mutating func noteCodings(_ value: UnsafeRawBufferPointer) -> HTTP1Violation? {
        if isChunked, !isCoded, contentLength == nil, HTTP1Scan.equals(value, lowercase: "chunked") { return nil }
        var violation: HTTP1Violation?
        HTTP1Scan.forEachListElement(value) { coding in
            if HTTP1Scan.equals(coding, lowercase: "identity") { return }
            if isChunked { violation = .unsupportedTransferCoding }
            if HTTP1Scan.equals(coding, lowercase: "chunked") { isChunked = true } else { isCoded = true }
        }
        if isChunked || isCoded, contentLength != nil { violation = .ambiguousLength }
        return violation
    }

    /// A response's length, which may stand several times as long as it is the same (RFC 9110, 8.6); the index keeps one
    /// field with one value. Beside a transfer coding it is refused, where RFC 9112, 6.3 would let the coding win: who
    /// reads a response by its length would take the rest of it for the next one.
    private mutating func noteLength(_ field: HTTP1Field, _ buffer: UnsafeRawBufferPointer) -> HTTP1Violation? {
        guard !isChunked, !isCoded else { return .ambiguousLength }
        let isRepeated = contentLength != nil
        var start = Int(field.value.start)
        let end = field.value.range.upperBound
        var firstEnd = end
        repeat {
            var comma = start
            while comma < end, buffer[comma] != 0x2C { comma += 1 }
            var last = comma
            while last > start, buffer[last - 1] == 0x20 || buffer[last - 1] == 0x09 { last -= 1 }
            guard let length = HTTP1Scan.decimal(UnsafeRawBufferPointer(rebasing: buffer[start..<last])),
                contentLength ?? length == length
            else { return .ambiguousLength }
            contentLength = length
            firstEnd = min(firstEnd, last)
            start = comma + 1
            while start < end, buffer[start] == 0x20 || buffer[start] == 0x09 { start += 1 }
            // A list that ends with its comma ends with an empty element, which is no length.
            if comma < end, start >= end { return .ambiguousLength }
        } while start < end
        if isRepeated {
            removeLast()
        } else if firstEnd < end {
            removeLast()
            append(
                HTTP1Field(
                    name: field.name, value: HTTP1Slice(Int(field.value.start), firstEnd), kind: field.kind))
        } else {
            return nil
        }
        needsNewLines = true
        return nil
    }

    private mutating func append(_ field: HTTP1Field) {
        if count < Self.inlineCapacity { storage[count] = field } else { overflow.append(field) }
        count += 1
    }

    private mutating func removeLast() {
        count -= 1
        if count >= Self.inlineCapacity { overflow.removeLast() }
    }

    private mutating func note(
        _ field: HTTP1Field, _ buffer: UnsafeRawBufferPointer, _ isResponse: Bool
    ) -> HTTP1Violation? {
        let value = field.value.bytes(in: buffer)
        switch field.kind {
        case .contentLength:
            // Of a request. RFC 9112, 6.3 lets a recipient accept equal duplicates; we do not.
            guard contentLength == nil, !isChunked, !isCoded, let length = HTTP1Scan.decimal(value) else {
                return .ambiguousLength
            }
            contentLength = length
        case .transferEncoding:
            if isResponse { return noteCodings(value) }
            guard contentLength == nil else { return .ambiguousLength }
            guard !isChunked, HTTP1Scan.equals(value, lowercase: "chunked") else {
                return .unsupportedTransferCoding
            }
            isChunked = true
        case .connection:
            HTTP1Scan.forEachListElement(value) { option in
                if HTTP1Scan.equals(option, lowercase: "close") {
                    connectionClose = true
                } else if HTTP1Scan.equals(option, lowercase: "keep-alive") {
                    connectionKeepAlive = true
                } else if HTTP1Scan.equals(option, lowercase: "upgrade") {
                    connectionUpgrade = true
                }
            }
        case .expect:
            if HTTP1Scan.equals(value, lowercase: "100-continue") { expectsContinue = true }
        case .host:
            if isResponse { return nil }
            guard host == nil, Self.isPlausibleHost(value) else { return .malformedHost }
            host = field.value
        case .upgrade:
            upgrade = field.value
        default: break
        }
        return nil
    }

    /// No white space, path, user or list in a host: what could be read differently by the next server.
    static func isPlausibleHost(_ value: UnsafeRawBufferPointer) -> Bool {
        value.allSatisfy { byte in
            switch byte {
            case 0x00...0x20, 0x22, 0x23, 0x2C, 0x2F, 0x3C, 0x3E, 0x3F, 0x40, 0x5C, 0x5E, 0x60, 0x7B...0x7D, 0x7F:
                false
            default: true
            }
        }
    }
}
