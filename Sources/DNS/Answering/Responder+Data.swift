import NetworkTypes

/// Answers from zone data.
extension Responder {
    enum Step {
        case done
        /// `name` is now the target of a CNAME.
        case follow
        /// The name is nobody's here.
        case elsewhere
    }

    mutating func answerFromData(_ type: RecordType, _ reply: inout Reply, _ writer: inout MessageWriter) -> Step {
        guard let index = data.zone(of: name) else { return .elsewhere }
        let zone = data.zones[index]
        if policy.hasStubZones, let stub = policy.forwardedZones.index(for: name),
            policy.forwardedZones[stub].name.wire.count > zone.name.wire.count
        {
            return .elsewhere
        }
        let node = data.names.node(of: name)
        if node == nil || zone.fallsThrough && node?.isEmpty == true {
            if let names = zone.addressNames, answerAddressName(names, zone, type, &reply, &writer) { return .done }
            if zone.fallsThrough { return .elsewhere }
            reply.isAuthoritative = true
            reply.code = .nameError
            writeDenial(zone, &reply, &writer)
            return .done
        }
        reply.isAuthoritative = true
        if type == .any {
            writeAnyAnswer(ttl: zone.ttl, &reply, &writer)
            return .done
        }
        if type == .soa, name.count == zone.name.wire.count {
            let data = zone.startOfAuthority
            if writeRecord(type, ttl: zone.ttl, data.span, 0..<data.count, reply, &writer) { reply.answers += 1 }
            return .done
        }
        guard let node else { return .done }
        if let set = node.recordSet(type) {
            write(set, of: node, ttl: zone.ttl, &reply, &writer)
            return .done
        }
        if type != .cname, let set = node.recordSet(.cname) {
            return follow(set, of: node, zone, &reply, &writer)
        }
        writeDenial(zone, &reply, &writer)
        return .done
    }

    private mutating func follow(
        _ set: NameNode.RecordSet, of node: NameNode, _ zone: AuthoritativeZone, _ reply: inout Reply,
        _ writer: inout MessageWriter
    ) -> Step {
        let mark = writer.count
        let range = (set.range.lowerBound + 2)..<set.range.upperBound
        guard writeRecord(.cname, ttl: zone.ttl, node.bytes.span, range, reply, &writer) else {
            reply.isTruncated = true
            return .done
        }
        reply.answers += 1
        // Behind owner, type, class, TTL and length.
        reply.owner = writer.count - range.count
        precondition(reply.owner > mark, "the target stands behind its record's owner")
        return name.take(node.bytes.span, at: range.lowerBound) ? .follow : .done
    }

    /// The set, beginning with another record each time, as many as there is room for.
    mutating func write(
        _ set: NameNode.RecordSet, of node: NameNode, ttl: UInt32, _ reply: inout Reply, _ writer: inout MessageWriter
    ) {
        let first = writer.count
        let bytes = node.bytes.span
        rotation &+= 1
        let start = set.count > 1 && policy.rotates ? Int(rotation) % set.count : 0
        var index = set.range.lowerBound
        for _ in 0..<start { index += 2 + Int(bytes.u16(at: index)) }
        for _ in 0..<set.count {
            let end = index + 2 + Int(bytes.u16(at: index))
            guard writeRecord(set.type, ttl: ttl, bytes, (index + 2)..<end, reply, &writer) else {
                reply.isTruncated = true
                break
            }
            reply.answers += 1
            index = end == set.range.upperBound ? set.range.lowerBound : end
        }
        // Each record's target is answered along with it where there is room (RFC 2782); that alone is no truncation.
        if set.type == .srv, !reply.isTruncated { writeTargets(from: first, count: set.count, &reply, &writer) }
    }

    private mutating func writeTargets(
        from first: Int, count: Int, _ reply: inout Reply, _ writer: inout MessageWriter
    ) {
        let end = writer.count
        var index = first
        for _ in 0..<count {
            guard let header = RecordHeader(written: writer, at: index), header.dataEnd <= end,
                name.read(written: writer, at: header.dataStart + 6),
                let node = data.names.node(of: name), let zone = data.zone(of: name)
            else { return }
            index = header.dataEnd
            let ttl = data.zones[zone].ttl
            reply.owner = header.dataStart + 6
            for type in [RecordType.a, .aaaa] {
                guard let set = node.recordSet(type) else { continue }
                var place = set.range.lowerBound
                while place < set.range.upperBound {
                    let next = place + 2 + Int(node.bytes.span.u16(at: place))
                    guard writeRecord(type, ttl: ttl, node.bytes.span, (place + 2)..<next, reply, &writer) else {
                        return
                    }
                    reply.additional += 1
                    place = next
                }
            }
        }
    }

    /// `10-0-0-7.NAMESPACE.pod.cluster.local` and its like. The namespace must exist.
    private mutating func answerAddressName(
        _ names: DomainName, _ zone: AuthoritativeZone, _ type: RecordType, _ reply: inout Reply,
        _ writer: inout MessageWriter
    ) -> Bool {
        guard let suffix = name.suffix(names.wire) else { return false }
        let namespace = name.nextLabel(after: 0)
        guard namespace < suffix, name.nextLabel(after: namespace) == suffix,
            data.names[name.name(from: namespace)] != nil,
            let ip = AddressLabel.address((1..<namespace).map { name[$0] })
        else { return false }
        reply.isAuthoritative = true
        if type == .any {
            writeAnyAnswer(ttl: zone.ttl, &reply, &writer)
        } else if type == (ip.family == .v4 ? .a : .aaaa) {
            let bytes = ip.bytes
            if writeRecord(type, ttl: zone.ttl, bytes.span, 0..<bytes.count, reply, &writer) { reply.answers += 1 }
        } else {
            writeDenial(zone, &reply, &writer)
        }
        return true
    }

    /// The zone's SOA in the authority section: how long the denial may be kept (RFC 2308, 3).
    private func writeDenial(_ zone: AuthoritativeZone, _ reply: inout Reply, _ writer: inout MessageWriter) {
        let mark = writer.count
        let data = zone.startOfAuthority
        // The question may be another name.
        let stands = !reply.isRewritten || reply.owner > MessageHeader.size
        if stands, let suffix = name.suffix(zone.name.wire), reply.owner + suffix < 0x4000 {
            writer.append(UInt16(0xc000 | (reply.owner + suffix)))
        } else {
            writer.append(zone.name.wire)
        }
        writeFields(.soa, ttl: min(zone.ttl, zone.negativeTTL), length: data.count, &writer)
        writer.append(data)
        if settle(mark, &writer) { reply.authorities += 1 }
    }

    private static let anyData: [UInt8] = [7] + Array("RFC8482".utf8) + [0]

    /// One record instead of all (RFC 8482, 4.2).
    func writeAnyAnswer(ttl: UInt32, _ reply: inout Reply, _ writer: inout MessageWriter) {
        let data = Self.anyData
        if writeRecord(.hinfo, ttl: ttl, data.span, 0..<data.count, reply, &writer) { reply.answers += 1 }
    }

    /// A record of the present owner: all of it, or nothing and false.
    func writeRecord(
        _ type: RecordType, ttl: UInt32, _ bytes: Span<UInt8>, _ range: Range<Int>, _ reply: Reply,
        _ writer: inout MessageWriter
    ) -> Bool {
        let mark = writer.count
        reply.writeOwner(name, &writer)
        writeFields(type, ttl: ttl, length: range.count, &writer)
        writer.append(bytes, range)
        return settle(mark, &writer)
    }

    func writeFields(_ type: RecordType, ttl: UInt32, length: Int, _ writer: inout MessageWriter) {
        writer.append(type.rawValue)
        writer.append(UInt16(1))
        writer.append(ttl)
        writer.append(UInt16(truncatingIfNeeded: length))
    }

    /// Takes back what was begun at `mark` when it did not fit.
    func settle(_ mark: Int, _ writer: inout MessageWriter) -> Bool {
        guard writer.isFull else { return true }
        writer.rewind(to: mark)
        writer.isFull = false
        return false
    }
}

extension RecordHeader {
    /// A record that was written just now.
    fileprivate init?(written writer: MessageWriter, at index: Int) {
        self.init(writer.bytes.bindMemory(to: UInt8.self).span, at: index)
    }
}

extension WireName {
    /// A name that was written just now.
    fileprivate mutating func read(written writer: MessageWriter, at index: Int) -> Bool {
        read(writer.bytes.bindMemory(to: UInt8.self).span, at: index) != nil
    }
}
