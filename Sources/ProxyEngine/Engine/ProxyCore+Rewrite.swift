internal import Glibc
internal import Transport

// The target that the upstream gets in place of the client's.
extension ProxyCore {
    /// Makes the target for the request in `requestHead`, of a route that rewrites it; the caller releases its memory.
    ///
    /// - Returns: 0, or the status to answer with.
    mutating func rewrite(
        _ match: RoutingTable.Match, _ bytes: UnsafePointer<UInt8>, to rewritten: inout RewrittenTarget
    ) -> Int32 {
        guard let table = configuration?.table, match.rewrite >= 0 else { return 0 }
        let entry = table.patternRoutes.entries[Int(match.rewrite)]
        guard let program = entry.program, let rewrite = table.rewrites[entry.route], let path = normalPath(bytes),
            let base = path.baseAddress
        else { return 400 }
        let sent = RequestValue.path(requestHead, bytes)
        let source = TargetRewrite.Source(
            path: path, captures: program.captures(base, path.count), query: RequestValue.query(requestHead, bytes),
            isQuoted: sent.contains { $0 == 0x25 || $0 == 0x2B })
        let length: Int
        switch rewrite.write(source, to: nil, room: limits.maxTargetBytes) {
        case .written(let count): length = count
        case .tooLong: return 414
        case .climbs: return 400
        }
        let name: StaticString = "\r\nX-Forwarded-Prefix: "
        let prefix = rewrite.forwardedPrefix ?? []
        let room = length + (prefix.isEmpty ? 0 : name.utf8CodeUnitCount + prefix.count)
        rewritten.bytes = buffers.take(room)
        _ = rewrite.write(source, to: rewritten.bytes.base, room: length)
        rewritten.bytes.end = length
        rewritten.targetCount = length
        if !prefix.isEmpty {
            rewritten.bytes.append(name.utf8Start, name.utf8CodeUnitCount)
            prefix.withUnsafeBufferPointer { prefix in
                if let base = prefix.baseAddress { rewritten.bytes.append(base, prefix.count) }
            }
        }
        return 0
    }

    /// The path of the request in `requestHead` as routes see it; nil when it cannot be normalised. It may be in
    /// `headScratch`.
    func normalPath(_ bytes: UnsafePointer<UInt8>) -> RequestValue.Bytes? {
        var target = bytes + Int(requestHead.pointee.pathAndQuery.start)
        var count = Int(requestHead.pointee.pathAndQuery.count)
        if count == 0 || target[0] == 0x3F {
            headScratch[0] = 0x2F
            target = UnsafePointer(headScratch)
            count = 1
        }
        return switch RequestPath.normalise(target, count, scratch: headScratch + 1) {
        case .plain(let count): RequestValue.Bytes(start: target, count: count)
        case .rewritten(let count): RequestValue.Bytes(start: headScratch + 1, count: count)
        case .invalid: nil
        }
    }

    /// Keeps the request line for the log, whose target the upstream does not get.
    mutating func rememberLine(_ x: ExchangeReference) {
        guard accessLog != nil, let base = x.pointee.request.base,
            let end = memchr(base, 0x0D, x.pointee.request.end)
        else { return }
        let count = UnsafeRawPointer(end) - UnsafeRawPointer(base)
        buffers.release(&x.pointee.requestLine)
        x.pointee.requestLine = buffers.take(count)
        x.pointee.requestLine.append(base, count)
    }
}
