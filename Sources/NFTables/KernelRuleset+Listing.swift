internal import Glibc
internal import Netlink

extension KernelRuleset {
    /// The types of questions (NFT_MSG_GET*).
    private enum Question: UInt16 {
        case table = 1
        case chain = 4
        case rule = 7
        case set = 10
        case elements = 13
        case generation = 16
        case flowtable = 23

        var type: UInt16 { TransactionEncoder.subsystem << 8 | rawValue }
    }

    package func generation() throws(NFTablesError) -> UInt32 {
        do throws(NetlinkError) {
            let answer = try socket.ask(type: Question.generation.type) { $0.header(0) }
            let attributes = NetlinkAttributes(answer?.payload.dropFirst(4) ?? [])
            guard let generation = try attributes.first(1)?.bigEndian(UInt32.self) else {
                throw .malformed("no generation")
            }
            return generation
        } catch {
            throw .netlink(error)
        }
    }

    package func tables() throws(NFTablesError) -> [NFTable] {
        var tables: [NFTable] = []
        do throws(NetlinkError) {
            try socket.dump(type: Question.table.type, { $0.header(0) }, restart: { tables = [] }) {
                message throws(NetlinkError) in
                guard let family = message.payload.first.flatMap({ NFFamily(rawValue: $0) }),
                    let name = try NetlinkAttributes(message.payload.dropFirst(4)).first(1)?.text
                else { return }
                tables.append(NFTable(family, name))
            }
        } catch {
            throw .netlink(error)
        }
        return tables
    }

    package func chains(of table: NFTable) throws(NFTablesError) -> [NFChain] {
        var chains: [NFChain] = []
        do throws(NetlinkError) {
            try each(.chain, of: table) { attributes throws(NetlinkError) in
                if let chain = try NFChain(attributes) { chains.append(chain) }
            }
        } catch {
            guard error.number == ENOENT else { throw .netlink(error) }
        }
        return chains
    }

    package func listing(of table: NFTable, leavingOut sets: Set<String>) throws(NFTablesError) -> NFListing? {
        // Each question has one generation, all of them together may not: then they are asked again. Where others change
        // their tables all the time, no time is a quiet one, and what was heard has to do: a transaction that expects its
        // generation will tell.
        for attempt in 1...Self.listingAttempts {
            let before = try generation()
            let isLast = attempt == Self.listingAttempts
            var listing: NFListing?
            do throws(NetlinkError) {
                listing = try list(table, leavingOut: sets, at: before, isStrict: !isLast)
            } catch {
                // A set that went while its elements were asked for.
                guard error.number == ENOENT || error == .interrupted else { throw .netlink(error) }
                continue
            }
            if isLast { return listing }
            if try generation() == before { return listing }
        }
        throw .netlink(.interrupted)
    }

    private static let listingAttempts = 5
    private static let dumpAttempts = 3

    private func list(
        _ table: NFTable, leavingOut sets: Set<String>, at generation: UInt32, isStrict: Bool
    ) throws(NetlinkError) -> NFListing? {
        do throws(NetlinkError) {
            try socket.ask(type: Question.table.type) { writer in
                writer.header(table.family.rawValue)
                writer.attribute(1, text: table.name)
            }
        } catch {
            guard error.number == ENOENT else { throw error }
            return nil
        }
        var listing = NFListing(generation: generation)
        try each(.chain, of: table, isStrict) { attributes throws(NetlinkError) in
            guard let chain = try NFChain(attributes) else { return }
            listing.chains[chain.name] = chain
        }
        try each(.rule, of: table, isStrict) { attributes throws(NetlinkError) in
            guard let chain = try attributes.first(2)?.text else { return }
            listing.rules[chain, default: []].append(try Self.comment(attributes))
        }
        try each(.set, of: table, isStrict) { attributes throws(NetlinkError) in
            guard let name = try attributes.first(2)?.text else { return }
            listing.sets[name] = try NFListing.ListedSet(attributes)
        }
        try? each(.flowtable, of: table, isStrict) { attributes throws(NetlinkError) in
            guard let name = try attributes.first(2)?.text else { return }
            listing.flowtables[name] = try NFFlowtable(name, attributes)
        }
        for name in listing.sets.keys where !sets.contains(name) {
            var elements: [NFElement] = []
            try socket.dump(
                type: Question.elements.type, attempts: Self.dumpAttempts, isStrict: isStrict,
                { writer in
                    writer.header(table.family.rawValue)
                    writer.attribute(1, text: table.name)
                    writer.attribute(2, text: name)
                }, restart: { elements = [] }
            ) { message throws(NetlinkError) in
                guard let list = try NetlinkAttributes(message.payload.dropFirst(4)).first(3) else { return }
                try list.attributes.forEach { element throws(NetlinkError) in
                    if let element = try NFElement(element.attributes) { elements.append(element) }
                }
            }
            listing.elements[name] = elements
        }
        return listing
    }

    /// Lists the objects of one kind of a table: older kernels list those of all tables.
    private func each(
        _ question: Question, of table: NFTable, _ isStrict: Bool = true,
        _ body: (NetlinkAttributes) throws(NetlinkError) -> Void
    ) throws(NetlinkError) {
        // What an attempt gave that had to be begun again is given again: the objects have names.
        var objects: [NetlinkAttributes] = []
        try socket.dump(
            type: question.type, attempts: Self.dumpAttempts, isStrict: isStrict,
            { writer in
                writer.header(table.family.rawValue)
                writer.attribute(1, text: table.name)
            }, restart: { objects = [] }
        ) { message throws(NetlinkError) in
            guard message.payload.first == table.family.rawValue else { return }
            let attributes = NetlinkAttributes(ArraySlice(Array(message.payload.dropFirst(4))))
            if try attributes.first(1)?.text == table.name { objects.append(attributes) }
        }
        for attributes in objects { try body(attributes) }
    }

    /// The comment in a rule's user data: pairs of a type and a length, type 0 being the comment.
    private static func comment(_ attributes: NetlinkAttributes) throws(NetlinkError) -> String {
        guard var data = try attributes.first(7)?.payload else { return "" }
        while data.count >= 2, let type = data.popFirst(), let length = data.popFirst() {
            let value = data.prefix(Int(length))
            if type == 0 { return String(decoding: value.prefix { $0 != 0 }, as: UTF8.self) }
            data = data.dropFirst(Int(length))
        }
        return ""
    }
}

extension NetlinkWriter {
    /// `nfgenmsg`.
    fileprivate mutating func header(_ family: UInt8) {
        append(family)
        append(UInt8(0))
        append(UInt16(0))
    }
}

extension NFChain {
    fileprivate init?(_ attributes: NetlinkAttributes) throws(NetlinkError) {
        guard let name = try attributes.first(3)?.text else { return nil }
        self.init(name)
        guard let hook = try attributes.first(4)?.attributes else { return }
        guard let point = try hook.first(1)?.bigEndian(UInt32.self).flatMap({ Hook.Point(rawValue: $0) }),
            let priority = try hook.first(2)?.bigEndian(Int32.self),
            let kind = try attributes.first(7).flatMap({ Hook.Kind(rawValue: $0.text) })
        else { return }
        let policy = try attributes.first(5)?.bigEndian(UInt32.self).flatMap { Hook.Policy(rawValue: $0) }
        self.hook = Hook(kind, point, priority: priority, policy: policy ?? .accept)
    }
}

extension NFListing.ListedSet {
    fileprivate init(_ attributes: NetlinkAttributes) throws(NetlinkError) {
        self.init(
            flags: try attributes.first(3)?.bigEndian(UInt32.self) ?? 0,
            keyType: try attributes.first(4)?.bigEndian(UInt32.self) ?? 0,
            keyLength: try attributes.first(5)?.bigEndian(UInt32.self) ?? 0,
            dataType: try attributes.first(6)?.bigEndian(UInt32.self),
            dataLength: try attributes.first(7)?.bigEndian(UInt32.self) ?? 0)
    }
}

extension NFFlowtable {
    fileprivate init(_ name: String, _ attributes: NetlinkAttributes) throws(NetlinkError) {
        self.init(name, devices: [])
        guard let hook = try attributes.first(3)?.attributes else { return }
        priority = try hook.first(2)?.bigEndian(Int32.self) ?? 0
        guard let list = try hook.first(3)?.attributes else { return }
        var devices: [String] = []
        try list.forEach { device in devices.append(device.text) }
        self.devices = devices
    }
}

extension NFElement {
    fileprivate init?(_ attributes: NetlinkAttributes) throws(NetlinkError) {
        guard let key = try attributes.first(1)?.attributes.first(1).flatMap({ NFValue($0.payload) }) else {
            return nil
        }
        self.init(key)
        isIntervalEnd = try (attributes.first(3)?.bigEndian(UInt32.self) ?? 0) & 1 != 0
        guard var data = try attributes.first(2)?.attributes, let content = try data.next() else { return }
        if content.type == 1 {
            guard let value = NFValue(content.payload) else { return nil }
            self.data = .value(value)
        } else {
            guard let code = try content.attributes.first(1)?.bigEndian(Int32.self),
                let verdict = NFVerdict(code: code, chain: try content.attributes.first(2)?.text)
            else { return nil }
            self.data = .verdict(verdict)
        }
    }
}
