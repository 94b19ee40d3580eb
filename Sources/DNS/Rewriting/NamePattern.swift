import CRE2

/// A regular expression (RE2) over names as text, in lower case and with the dot at the end.
///
/// `@unchecked Sendable`: RE2's constant functions may be called by several threads at once.
package final class NamePattern: @unchecked Sendable, Equatable {
    /// What a program may take, in bytes.
    private static let memory: Int64 = 1 << 20
    /// Groups that a template can name, the whole match included.
    private static let groups = 10

    package let source: String
    private let handle: OpaquePointer

    /// - Throws: `.invalidPattern` with the part that is wrong.
    package init(_ source: String) throws(DNSError) {
        self.source = source
        var problem = MARTLET_RE2_FINE
        var fragment = [CChar](repeating: 0, count: 128)
        var length = 0
        var text = source
        let made = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                martlet_re2_compile(
                    characters.baseAddress, characters.count, Self.memory, &problem, &fragment, fragment.count, &length)
            }
        }
        guard let made else {
            let wrong = String(decoding: fragment[..<length].lazy.map(UInt8.init(bitPattern:)), as: UTF8.self)
            throw DNSError(
                .invalidPattern, "\"\(source)\" is no regular expression" + (wrong.isEmpty ? "" : ": \"\(wrong)\""))
        }
        handle = made
    }

    deinit { martlet_re2_free(handle) }

    package static func == (left: NamePattern, right: NamePattern) -> Bool { left.source == right.source }

    /// What `template` becomes with `{0}` to `{9}` replaced by what the groups matched; nil where nothing matches.
    package func replace(_ text: String, by template: String) -> String? {
        var text = text
        return text.withUTF8 { bytes in
            var bounds: [Int] = []
            let isFound = bytes.withMemoryRebound(to: CChar.self) { characters in
                // Most patterns match nothing, which is found out without looking for groups.
                guard martlet_re2_matches(handle, characters.baseAddress, characters.count) else { return false }
                bounds = [Int](repeating: 0, count: 2 * Self.groups)
                return bounds.withUnsafeMutableBufferPointer { bounds in
                    bounds.withMemoryRebound(to: size_t.self) {
                        martlet_re2_groups(
                            handle, characters.baseAddress, characters.count, $0.baseAddress, Int32(Self.groups))
                    }
                }
            }
            guard isFound else { return nil }
            var result: [UInt8] = []
            let template = Array(template.utf8)
            var index = 0
            while index < template.count {
                let digit = index + 2 < template.count ? template[index + 1] &- UInt8(ascii: "0") : .max
                if template[index] == UInt8(ascii: "{"), digit < 10, template[index + 2] == UInt8(ascii: "}") {
                    let (first, end) = (bounds[2 * Int(digit)], bounds[2 * Int(digit) + 1])
                    // A group that took no part has all bits set.
                    if first >= 0, end <= bytes.count { result += bytes[first..<end] }
                    index += 3
                } else {
                    result.append(template[index])
                    index += 1
                }
            }
            return String(decoding: result, as: UTF8.self)
        }
    }
}
