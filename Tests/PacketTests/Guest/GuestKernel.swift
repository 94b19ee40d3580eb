import Glibc
import System

/// A Linux kernel with its modules that is not this machine's: what `scripts/fetch-guest-kernel.sh` has unpacked.
struct GuestKernel {
    let image: String
    /// The paths of modules by their names.
    private let modules: [String: String]

    /// `MARTLET_GUEST_KERNEL` in the environment, or where the script puts it: below the directory of the build.
    static var folder: String {
        if let chosen = getenv("MARTLET_GUEST_KERNEL") { return String(cString: chosen) }
        return #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
            + "/.build/guest-kernel"
    }

    /// Nil where there is none.
    init?() {
        image = Self.folder + "/vmlinuz"
        guard access(image, R_OK) == 0 else { return nil }
        var modules: [String: String] = [:]
        for name in FileBytes.names(in: Self.folder + "/modules") where name.hasSuffix(".ko") {
            modules[Self.key(name.dropLast(3))] = "\(Self.folder)/modules/\(name)"
        }
        self.modules = modules
    }

    /// Modules with all that they depend on, in the order to load them in.
    func loading(_ names: [String]) throws -> [(name: String, content: [UInt8])] {
        var result: [(name: String, content: [UInt8])] = []
        var seen: Set<String> = []
        func load(_ name: Substring) throws {
            let key = Self.key(name)
            // Those that are part of the kernel are none of its modules.
            guard seen.insert(key).inserted, let path = modules[key] else { return }
            let content = try FileBytes.read(path, limit: 64 << 20)
            for dependency in Self.dependencies(content) { try load(Substring(dependency)) }
            result.append((key, content))
        }
        for name in names { try load(Substring(name)) }
        return result
    }

    private static func key(_ name: Substring) -> String { String(name.map { $0 == "-" ? "_" : $0 }) }

    /// What the section `.modinfo` says: `depends=a,b`, ended by a zero.
    private static func dependencies(_ content: [UInt8]) -> [String] {
        let mark = Array("\0depends=".utf8)
        guard let first = mark.first else { return [] }
        var index = content.startIndex
        while let start = content[index...].firstIndex(of: first) {
            if content[start...].starts(with: mark) {
                let text = content[(start + mark.count)...].prefix { $0 != 0 }
                return String(decoding: text, as: UTF8.self).split(separator: ",").map(String.init)
            }
            index = start + 1
        }
        return []
    }
}
