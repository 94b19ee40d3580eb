import NetworkTypes

/// The ranges that cluster IPs come from, and which of their addresses are taken.
///
/// Each ServiceCIDR has one range or one of each family; several may have the same one, and ranges may overlap. An
/// address that is taken is taken in every range that has it, so that a free one of any range is free in all. A plain
/// value like ``AddressAllocator``.
struct AddressRanges: Sendable {
    private struct Entry: Sendable {
        var allocator: AddressAllocator
        /// The ServiceCIDRs with this range; true: new addresses may come from it.
        var owners: [String: Bool]

        var range: CIDR { allocator.range }
        var isReady: Bool { owners.values.contains(true) }
    }

    private var entries: [Entry] = []
    /// Addresses that IPAddresses of users keep from Services, wherever they lie.
    private var reserved: Set<IPAddress> = []
    /// Addresses of Services that lie in no range any more.
    private var strays: Set<IPAddress> = []

    /// How many addresses of each range are free, in the order in which the ranges came.
    var freeCounts: [Int] { entries.map(\.allocator.freeCount) }

    var ranges: [CIDR] { entries.map(\.range) }

    // MARK: Addresses

    /// Takes exactly this address out of a range that is ready.
    mutating func allocate(_ address: IPAddress) throws(AddressAllocator.Failure) {
        guard let entry = entries.first(where: { $0.isReady && $0.range.contains(address) }) else { throw .noRange }
        guard entries.contains(where: { $0.isReady && $0.allocator.has(address) }) else {
            throw .outOfRange(address, entry.range)
        }
        guard mark(address) else { throw .alreadyAllocated }
    }

    /// Takes a free address of the first range of the family that is ready and has one.
    mutating func allocateNext(
        _ family: IPFamily, spread: UInt64
    ) throws(AddressAllocator.Failure) -> IPAddress {
        for index in entries.indices where entries[index].range.family == family && entries[index].isReady {
            guard entries[index].allocator.freeCount > 0 else { continue }
            let address = try entries[index].allocator.allocateNext(spread: spread)
            if entries.count > 1 { _ = mark(address) }
            return address
        }
        throw .full
    }

    mutating func release(_ address: IPAddress) {
        for index in entries.indices { entries[index].allocator.release(address) }
        if !strays.isEmpty { strays.remove(address) }
    }

    /// Takes what a stored Service holds, whether its range is ready or not.
    /// - Returns: false when another one holds it, or no range has it; in the latter case it is remembered.
    mutating func restore(_ address: IPAddress) -> Bool {
        guard entries.contains(where: { $0.allocator.has(address) }) else {
            strays.insert(address)
            return false
        }
        return mark(address)
    }

    /// Whether a Service holds the address though no range has it.
    func isStray(_ address: IPAddress) -> Bool { strays.contains(address) }

    /// Takes an address for an IPAddress that no Service made; false when it is taken.
    mutating func reserve(_ address: IPAddress) -> Bool {
        guard !reserved.contains(address), !strays.contains(address) else { return false }
        if entries.contains(where: { $0.allocator.has(address) }), !mark(address) { return false }
        reserved.insert(address)
        return true
    }

    /// Gives back what `reserve` took; what a Service holds stays.
    mutating func unreserve(_ address: IPAddress) {
        if reserved.remove(address) != nil { release(address) }
    }

    /// Takes the address in every range that has it.
    private mutating func mark(_ address: IPAddress) -> Bool {
        var isNew = false
        for index in entries.indices where entries[index].allocator.has(address) {
            // Taken already where it came from.
            if (try? entries[index].allocator.allocate(address)) != nil { isNew = true }
        }
        return isNew
    }

    // MARK: Ranges

    /// Sets the ranges of one ServiceCIDR and whether new addresses may come from them.
    mutating func set(_ owner: String, _ ranges: [CIDR], isReady: Bool) {
        for index in entries.indices where !ranges.contains(entries[index].range) {
            entries[index].owners[owner] = nil
        }
        for range in ranges {
            if let index = entries.firstIndex(where: { $0.range == range }) {
                entries[index].owners[owner] = isReady
                continue
            }
            var allocator = AddressAllocator(anySize: range)
            for address in reserved.union(strays) where allocator.has(address) { take(address, in: &allocator) }
            for other in entries where other.range.overlaps(range) {
                for address in other.allocator.allocated where allocator.has(address) { take(address, in: &allocator) }
            }
            strays = strays.filter { !allocator.has($0) }
            entries.append(Entry(allocator: allocator, owners: [owner: isReady]))
        }
        removeUnowned()
    }

    /// Takes the ranges of a ServiceCIDR that is gone away.
    mutating func remove(_ owner: String) {
        for index in entries.indices { entries[index].owners[owner] = nil }
        removeUnowned()
    }

    /// Whether every address that Services hold stays in a range that is ready when this ServiceCIDR goes.
    func canRemove(_ owner: String) -> Bool {
        let others = entries.filter { $0.owners.contains { $0.key != owner && $0.value } }.map(\.range)
        for entry in entries where entry.owners[owner] != nil {
            if others.contains(where: { $0.contains(entry.range) }) { continue }
            for address in entry.allocator.allocated where !reserved.contains(address) {
                guard others.contains(where: { $0.contains(address) }) else { return false }
            }
        }
        return true
    }

    private mutating func removeUnowned() {
        let gone = entries.filter { $0.owners.isEmpty }
        guard !gone.isEmpty else { return }
        entries.removeAll { $0.owners.isEmpty }
        for address in gone.flatMap(\.allocator.allocated)
        where !reserved.contains(address) && !entries.contains(where: { $0.allocator.has(address) }) {
            strays.insert(address)
        }
    }

    private func take(_ address: IPAddress, in allocator: inout AddressAllocator) {
        // Two ranges may have told of the same address.
        try? allocator.allocate(address)
    }
}
