internal import Glibc

/// Maps and programs without a kernel: it runs programs, and refuses what the kernel refuses. For one thread.
package final class SimulatedBPF: BPFSystem {
    private enum Thing {
        case map(BPFMap)
        case program(BPFProgram, maps: [String: Int32])
        case link(BPFHook, program: Int32, group: UInt64)
    }

    /// A value with the turn in which it was used last.
    private struct Entry {
        var value: [UInt8]
        var use: UInt64
    }

    private var things: [Int32: Thing] = [:]
    private var contents: [Int32: [[UInt8]: Entry]] = [:]
    private var pins: [String: Int32] = [:]
    private var folders: Set<String> = []
    private var next: Int32 = 1
    private var turn: UInt64 = 0
    /// Links that somebody holds or has pinned; the others run no more.
    private var held: [Int32: Weak] = [:]

    private struct Weak {
        weak var object: BPFObject?
    }

    package let host: UInt64
    package var nanoseconds: UInt64 = 0
    package var random: () -> UInt32 = { UInt32.random(in: 0 ... .max) }
    /// `errno` of the next calls that change a map.
    package var failures: [Int32] = []

    package init(host: UInt64 = 1) { self.host = host }

    package func namespaceCookie() -> UInt64 { host }

    private func add(_ thing: Thing) -> BPFObject {
        defer { next += 1 }
        things[next] = thing
        let object = BPFObject(simulated: next)
        held[next] = Weak(object: object)
        return object
    }

    // MARK: Maps

    package func make(_ map: BPFMap) throws(BPFError) -> BPFObject {
        guard map.kind == .socketStorage || (map.capacity > 0 && map.keySize > 0), map.valueSize > 0 else {
            throw .refused(subject: "make the map \(map.name)", number: EINVAL)
        }
        let object = add(.map(map))
        contents[object.descriptor] = [:]
        return object
    }

    package func shape(of map: BPFObject) throws(BPFError) -> BPFMap { try shape(map.descriptor) }

    private func shape(_ number: Int32) throws(BPFError) -> BPFMap {
        guard case .map(let map) = things[number] else { throw .refused(subject: "find a map", number: EBADF) }
        return map
    }

    package func set(_ map: BPFObject, _ key: [UInt8], _ value: [UInt8]) throws(BPFError) {
        if !failures.isEmpty { throw .refused(subject: "add to a map", number: failures.removeFirst()) }
        let number = try set(map.descriptor, key, value)
        guard number == 0 else { throw .refused(subject: "add to a map", number: number) }
    }

    /// - Returns: `errno`, or 0.
    private func set(_ map: Int32, _ key: [UInt8], _ value: [UInt8]) throws(BPFError) -> Int32 {
        let shape = try shape(map)
        guard key.count == shape.keySize, value.count == shape.valueSize else { return EINVAL }
        turn += 1
        let present = contents[map] ?? [:]
        if present[key] == nil, present.count >= shape.capacity {
            guard shape.kind == .forgetful, let oldest = present.min(by: { $0.value.use < $1.value.use }) else {
                return E2BIG
            }
            contents[map]?[oldest.key] = nil
        }
        contents[map]?[key] = Entry(value: value, use: turn)
        return 0
    }

    package func remove(_ map: BPFObject, _ key: [UInt8]) throws(BPFError) -> Bool {
        if !failures.isEmpty { throw .refused(subject: "remove from a map", number: failures.removeFirst()) }
        return contents[map.descriptor]?.removeValue(forKey: key) != nil
    }

    package func value(_ map: BPFObject, _ key: [UInt8]) -> [UInt8]? { contents[map.descriptor]?[key]?.value }

    package func entries(_ map: BPFObject) -> [(key: [UInt8], value: [UInt8])] {
        (contents[map.descriptor] ?? [:]).map { ($0.key, $0.value.value) }
    }

    // MARK: Programs

    package func load(_ program: BPFProgram, maps: [String: BPFObject]) throws(BPFError) -> BPFObject {
        let numbers = maps.mapValues(\.descriptor)
        _ = try program.encoded(maps: numbers)
        guard program.instructions.last == .exit else {
            throw .rejected(
                instruction: "the program \(program.name)", reason: "last insn is not an exit", number: EINVAL)
        }
        return add(.program(program, maps: numbers))
    }

    package func attach(_ program: BPFObject, to group: ControlGroup, at hook: BPFHook) throws(BPFError) -> BPFObject {
        guard case .program(let text, _) = things[program.descriptor], text.hook == hook else {
            throw .refused(subject: "attach a program at \(hook)", number: EINVAL)
        }
        return add(.link(hook, program: program.descriptor, group: group.identifier))
    }

    package func replace(programOf link: BPFObject, by program: BPFObject) throws(BPFError) {
        guard case .link(let hook, _, let group) = things[link.descriptor] else {
            throw .refused(subject: "replace a program", number: EINVAL)
        }
        things[link.descriptor] = .link(hook, program: program.descriptor, group: group)
    }

    package func group(of link: BPFObject) -> UInt64? {
        guard case .link(_, _, let group) = things[link.descriptor] else { return nil }
        return group
    }

    // MARK: Names

    package func makeFolder(_ path: String) { folders.insert(path) }

    package func names(in folder: String) -> [String] {
        pins.keys.filter { $0.hasPrefix(folder + "/") }.map { String($0.dropFirst(folder.count + 1)) }.sorted()
    }

    package func removeFolder(_ path: String) throws(BPFError) -> Bool {
        guard names(in: path).isEmpty else { throw .refused(subject: "remove \(path)", number: ENOTEMPTY) }
        return folders.remove(path) != nil
    }

    package func pin(_ object: BPFObject, at path: String) throws(BPFError) {
        guard pins[path] == nil else { throw .refused(subject: "pin \(path)", number: EEXIST) }
        guard folders.contains(where: { path.hasPrefix($0 + "/") }) else {
            throw .refused(subject: "pin \(path)", number: ENOENT)
        }
        pins[path] = object.descriptor
    }

    package func open(_ path: String) -> BPFObject? {
        guard let number = pins[path] else { return nil }
        if let object = held[number]?.object { return object }
        let object = BPFObject(simulated: number)
        held[number] = Weak(object: object)
        return object
    }

    package func unpin(_ path: String) -> Bool { pins.removeValue(forKey: path) != nil }

    // MARK: Running

    /// Runs what is attached at a hook, one program after another.
    ///
    /// - Returns: whether the call goes on.
    /// - Throws: where a program does what the kernel does not let it do.
    package func run(_ hook: BPFHook, _ call: inout SocketCall) throws(BPFError) -> Bool {
        for (number, thing) in things.sorted(by: { $0.key < $1.key }) {
            guard case .link(hook, let program, _) = thing, held[number]?.object != nil || pins.values.contains(number),
                case .program(let text, let maps) = things[program]
            else { continue }
            var machine = SimulatedMachine(text, maps: maps, call: call)
            let result = try machine.run { (helper, machine) throws(BPFError) in try self.help(helper, &machine) }
            call = machine.call
            if result == 0 { return false }
        }
        return true
    }

    /// Does what a helper does.
    private func help(_ helper: BPFFunction, _ machine: inout SimulatedMachine) throws(BPFError) -> UInt64 {
        func failure(_ number: Int32) -> UInt64 { number == 0 ? 0 : UInt64(bitPattern: Int64(-number)) }
        switch helper {
        case .nanoseconds: return nanoseconds
        case .random: return UInt64(random())
        case .socketCookie: return machine.call.socket.cookie
        case .namespaceCookie: return machine.call.socket.namespace
        case .lookup:
            let map = try machine.map(.r1)
            let key = try machine.bytes(at: .r2, count: try shape(map).keySize)
            guard let entry = contents[map]?[key] else { return 0 }
            turn += 1
            contents[map]?[key]?.use = turn
            return machine.lend(entry.value) { [self] value in contents[map]?[key]?.value = value }
        case .update:
            let map = try machine.map(.r1)
            let shape = try shape(map)
            let key = try machine.bytes(at: .r2, count: shape.keySize)
            return failure(try set(map, key, try machine.bytes(at: .r3, count: shape.valueSize)))
        case .delete:
            let map = try machine.map(.r1)
            let key = try machine.bytes(at: .r2, count: try shape(map).keySize)
            return contents[map]?.removeValue(forKey: key) == nil ? failure(ENOENT) : 0
        case .socketStorage:
            let map = try machine.map(.r1)
            let socket = machine.call.socket
            let size = try shape(map).valueSize
            if socket.storage[map] == nil {
                guard try machine.number(.r4) & UInt64(BPFFunction.create) != 0 else { return 0 }
                socket.storage[map] = [UInt8](repeating: 0, count: size)
            }
            return machine.lend(socket.storage[map] ?? []) { socket.storage[map] = $0 }
        case .deleteSocketStorage:
            return machine.call.socket.storage.removeValue(forKey: try machine.map(.r1)) == nil ? failure(ENOENT) : 0
        case .setOption:
            // SO_MARK, and nothing else.
            guard try machine.number(.r2) == 1, try machine.number(.r3) == 36 else { return failure(EINVAL) }
            let bytes = try machine.bytes(at: .r4, count: Int(try machine.number(.r5)))
            machine.call.socket.mark = bytes.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            return 0
        }
    }
}
