internal import CLinux
internal import Glibc
internal import System

/// The kernel's own, by the system call `bpf` (bpf(2)). Needs CAP_BPF and CAP_NET_ADMIN.
package final class KernelBPF: BPFSystem {
    /// `enum bpf_cmd`.
    private enum Command: Int32 {
        case makeMap = 0
        case lookup = 1
        case update = 2
        case delete = 3
        case next = 4
        case load = 5
        case pin = 6
        case open = 7
        case information = 15
        case loadTypes = 18
        case attach = 28
        case replaceProgram = 29
    }

    /// What the kernel says of a program that it rejects: the end tells why.
    private static let logSize = 1 << 20

    package init() {}

    package func namespaceCookie() throws(BPFError) -> UInt64 {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .refused(subject: "open a socket", number: errno) }
        defer { close(descriptor) }
        var cookie: UInt64 = 0
        var length = socklen_t(MemoryLayout<UInt64>.size)
        // SO_NETNS_COOKIE, Linux 5.14
        guard getsockopt(descriptor, SOL_SOCKET, 71, &cookie, &length) == 0 else {
            throw .refused(subject: "learn this network namespace's number", number: errno)
        }
        return cookie
    }

    // MARK: Maps

    package func make(_ map: BPFMap) throws(BPFError) -> BPFObject {
        var fields = BPFFields()
        fields.put(map.kind.rawValue, at: 0)
        fields.put(UInt32(map.keySize), at: 4)
        fields.put(UInt32(map.valueSize), at: 8)
        fields.put(map.kind == .socketStorage ? 0 : UInt32(map.capacity), at: 12)
        fields.put(map.flags, at: 16)
        fields.put(name: map.name, at: 28)
        var types: BPFObject?
        if map.kind == .socketStorage {
            let described = try makeTypes(valueSize: map.valueSize)
            fields.put(UInt32(bitPattern: described.descriptor), at: 48)
            fields.put(BPFTypes.key, at: 52)
            fields.put(BPFTypes.value, at: 56)
            types = described
        }
        defer { withExtendedLifetime(types) {} }
        return try object(.makeMap, fields, "make the map \(map.name)")
    }

    /// Such maps are made only by who describes what is in them.
    private func makeTypes(valueSize: Int) throws(BPFError) -> BPFObject {
        let bytes = BPFTypes.description(valueSize: valueSize)
        let descriptor = bytes.withUnsafeBytes { bytes in
            var fields = BPFFields()
            fields.put(bytes.baseAddress, at: 0)
            fields.put(UInt32(bytes.count), at: 16)
            return call(.loadTypes, &fields)
        }
        guard descriptor >= 0 else { throw .refused(subject: "describe a map", number: errno) }
        return BPFObject(descriptor)
    }

    package func shape(of map: BPFObject) throws(BPFError) -> BPFMap {
        // struct bpf_map_info: type, id, key_size, value_size, max_entries, map_flags, name
        let facts = try information(map, 80)
        guard let kind = BPFMap.Kind(rawValue: facts.number(at: 0)) else {
            throw .refused(subject: "use what is pinned: a map of the kind \(facts.number(at: 0))", number: EINVAL)
        }
        return BPFMap(
            facts.name(at: 24), kind, key: Int(facts.number(at: 8)), value: Int(facts.number(at: 12)),
            capacity: Int(facts.number(at: 16)))
    }

    package func set(_ map: BPFObject, _ key: [UInt8], _ value: [UInt8]) throws(BPFError) {
        let result = value.withUnsafeBytes { element(.update, map, key, $0.baseAddress) }
        guard result >= 0 else { throw .refused(subject: "add to a map", number: errno) }
    }

    package func remove(_ map: BPFObject, _ key: [UInt8]) throws(BPFError) -> Bool {
        try isThere(element(.delete, map, key, nil), "remove from a map")
    }

    package func value(_ map: BPFObject, _ key: [UInt8]) throws(BPFError) -> [UInt8]? {
        try value(map, key, size: try shape(of: map).valueSize)
    }

    private func value(_ map: BPFObject, _ key: [UInt8], size: Int) throws(BPFError) -> [UInt8]? {
        var value = [UInt8](repeating: 0, count: size)
        let result = value.withUnsafeMutableBytes { element(.lookup, map, key, $0.baseAddress) }
        return try isThere(result, "look into a map") ? value : nil
    }

    package func entries(_ map: BPFObject) throws(BPFError) -> [(key: [UInt8], value: [UInt8])] {
        let shape = try shape(of: map)
        var result: [(key: [UInt8], value: [UInt8])] = []
        var key: [UInt8]?
        // What is removed meanwhile makes the kernel begin anew: it is not to go on for ever.
        while result.count <= shape.capacity {
            var next = [UInt8](repeating: 0, count: shape.keySize)
            let found = next.withUnsafeMutableBytes { element(.next, map, key, $0.baseAddress) }
            guard try isThere(found, "list a map") else { break }
            if let value = try value(map, next, size: shape.valueSize) { result.append((next, value)) }
            key = next
        }
        return result
    }

    /// Reads or writes at the address of the value, as the command has it.
    private func element(_ command: Command, _ map: BPFObject, _ key: [UInt8]?, _ value: UnsafeRawPointer?) -> Int32 {
        var fields = BPFFields()
        fields.put(UInt32(bitPattern: map.descriptor), at: 0)
        return (key ?? []).withUnsafeBytes { bytes in
            fields.put(key == nil ? nil : bytes.baseAddress, at: 8)
            fields.put(value, at: 16)
            return call(command, &fields)
        }
    }

    /// Of the call that has just been made.
    private func isThere(_ result: Int32, _ subject: @autoclosure () -> String) throws(BPFError) -> Bool {
        if result >= 0 { return true }
        guard errno != ENOENT else { return false }
        throw .refused(subject: subject(), number: errno)
    }

    // MARK: Programs

    package func load(_ program: BPFProgram, maps: [String: BPFObject]) throws(BPFError) -> BPFObject {
        let code = try program.encoded(maps: maps.mapValues(\.descriptor))
        let license: [UInt8] = Array("Dual MIT/GPL\0".utf8)
        func load(_ log: UnsafeMutableRawBufferPointer?) -> Int32 {
            code.withUnsafeBytes { code in
                license.withUnsafeBytes { license in
                    var fields = BPFFields()
                    fields.put(BPFHook.programType, at: 0)
                    fields.put(UInt32(code.count / 8), at: 4)
                    fields.put(code.baseAddress, at: 8)
                    fields.put(license.baseAddress, at: 16)
                    if let log {
                        fields.put(UInt32(1), at: 24)
                        fields.put(UInt32(log.count), at: 28)
                        fields.put(UnsafeRawPointer(log.baseAddress), at: 32)
                    }
                    fields.put(name: program.name, at: 48)
                    fields.put(program.hook.rawValue, at: 68)
                    return call(.load, &fields)
                }
            }
        }
        var descriptor = load(nil)
        if descriptor >= 0 { return BPFObject(descriptor) }
        let number = errno
        guard number != EPERM else { throw .refused(subject: "load the program \(program.name)", number: number) }
        // Once more, to be told why.
        var log = [UInt8](repeating: 0, count: Self.logSize)
        log.withUnsafeMutableBytes { descriptor = load($0) }
        if descriptor >= 0 { return BPFObject(descriptor) }
        throw VerifierLog(String(decoding: log.prefix { $0 != 0 }, as: UTF8.self)).error(of: program, number)
    }

    package func attach(_ program: BPFObject, to group: ControlGroup, at hook: BPFHook) throws(BPFError) -> BPFObject {
        let folder = Glibc.open(group.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw .refused(subject: "open \(group)", number: errno) }
        defer { close(folder) }
        var fields = BPFFields()
        fields.put(UInt32(bitPattern: program.descriptor), at: 0)
        fields.put(UInt32(bitPattern: folder), at: 4)
        fields.put(hook.rawValue, at: 8)
        return try object(.attach, fields, "attach a program to \(group) at \(hook)")
    }

    package func replace(programOf link: BPFObject, by program: BPFObject) throws(BPFError) {
        var fields = BPFFields()
        fields.put(UInt32(bitPattern: link.descriptor), at: 0)
        fields.put(UInt32(bitPattern: program.descriptor), at: 4)
        guard call(.replaceProgram, &fields) >= 0 else {
            throw .refused(subject: "replace a program", number: errno)
        }
    }

    package func group(of link: BPFObject) throws(BPFError) -> UInt64? {
        // struct bpf_link_info: type, id, prog_id, then the control group's number
        let facts = try information(link, 64)
        let group = UInt64(facts.number(at: 16)) | UInt64(facts.number(at: 20)) << 32
        return group == 0 ? nil : group
    }

    // MARK: Names

    package func makeFolder(_ path: String) throws(BPFError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .refused(subject: "make the folder \(path)", number: errno)
        }
    }

    package func names(in folder: String) -> [String] { FileBytes.names(in: folder) }

    package func removeFolder(_ path: String) throws(BPFError) -> Bool {
        if rmdir(path) == 0 { return true }
        guard errno != ENOENT else { return false }
        throw .refused(subject: "remove \(path)", number: errno)
    }

    package func pin(_ object: BPFObject, at path: String) throws(BPFError) {
        let result = path.withCString { name in
            var fields = BPFFields()
            fields.put(UnsafeRawPointer(name), at: 0)
            fields.put(UInt32(bitPattern: object.descriptor), at: 8)
            return call(.pin, &fields)
        }
        guard result >= 0 else { throw .refused(subject: "pin \(path)", number: errno) }
    }

    package func open(_ path: String) throws(BPFError) -> BPFObject? {
        let descriptor = path.withCString { name in
            var fields = BPFFields()
            fields.put(UnsafeRawPointer(name), at: 0)
            return call(.open, &fields)
        }
        if descriptor >= 0 { return BPFObject(descriptor) }
        guard errno != ENOENT else { return nil }
        throw .refused(subject: "open \(path)", number: errno)
    }

    package func unpin(_ path: String) throws(BPFError) -> Bool {
        if unlink(path) == 0 { return true }
        guard errno != ENOENT else { return false }
        throw .refused(subject: "remove \(path)", number: errno)
    }

    // MARK: The call

    private func object(_ command: Command, _ fields: BPFFields, _ subject: @autoclosure () -> String) throws(BPFError)
        -> BPFObject
    {
        var fields = fields
        let descriptor = call(command, &fields)
        guard descriptor >= 0 else { throw .refused(subject: subject(), number: errno) }
        return BPFObject(descriptor)
    }

    private func information(_ object: BPFObject, _ count: Int) throws(BPFError) -> BPFFields {
        var facts = BPFFields()
        let result = facts.withBytes { bytes in
            var fields = BPFFields()
            fields.put(UInt32(bitPattern: object.descriptor), at: 0)
            fields.put(UInt32(min(count, bytes.count)), at: 4)
            fields.put(UnsafeRawPointer(bytes.baseAddress), at: 8)
            return call(.information, &fields)
        }
        guard result >= 0 else { throw .refused(subject: "learn about what is pinned", number: errno) }
        return facts
    }

    private func call(_ command: Command, _ fields: inout BPFFields) -> Int32 {
        fields.withBytes { martlet_bpf(command.rawValue, $0.baseAddress, $0.count) }
    }
}
