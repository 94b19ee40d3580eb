/// Who may come in with which password: a file of htpasswd, or a map of users.
///
/// A user whose password is in a form that is not known (``PasswordHash``) cannot come in; others can. Without any user there is no
/// file. An object, since it may be large and is looked into for each request; two are equal when they let in the same.
package final class PasswordFile: Sendable, Hashable {
    private let users: [[UInt8]: PasswordHash]
    /// Whose check takes the time that a user's who is not there would take.
    private let decoy: PasswordHash
    /// What was passed over, each in words that name no user.
    package let remarks: [String]

    /// Why there is none, in words.
    package struct Refusal: Error, Equatable, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    /// Whoever may write a Secret must not have the time of those who read it.
    package static let maxEntries = 8_192

    /// How many entries are told of that were passed over.
    private static let maxRemarks = 8

    /// Reads `USER:HASH` on each line, with anything behind another colon; lines that begin with `#` are for people. Of two lines for
    /// one user the first counts, as in nginx.
    package convenience init(lines text: [UInt8]) throws(Refusal) {
        guard text.count(where: { $0 == 0x0A }) <= Self.maxEntries else { throw Self.tooMany }
        var entries: [Entry] = []
        for (index, line) in text.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let line = line.last == 0x0D ? line.dropLast() : line
            if line.isEmpty || line.first == UInt8(ascii: "#") { continue }
            let colon = line.firstIndex(of: UInt8(ascii: ":"))
            entries.append(
                Entry(
                    place: "line \(index + 1)", user: Array(line[..<(colon ?? line.startIndex)]),
                    hash: colon.map { line[($0 + 1)...] } ?? []))
        }
        try self.init(entries)
    }

    /// Takes each key as a user, and its value as what stands behind the first colon of a line.
    package convenience init(map: [String: [UInt8]]) throws(Refusal) {
        guard map.count <= Self.maxEntries else { throw Self.tooMany }
        let entries = map.sorted { $0.key < $1.key }.enumerated().map { index, entry in
            Entry(place: "entry \(index + 1)", user: Array(entry.key.utf8), hash: entry.value[...])
        }
        try self.init(entries)
    }

    private static var tooMany: Refusal { Refusal(description: "it has more than \(maxEntries) entries") }

    private struct Entry {
        /// Where it stands, for people.
        var place: String
        var user: [UInt8]
        var hash: ArraySlice<UInt8>
    }

    private init(_ entries: [Entry]) throws(Refusal) {
        var users: [[UInt8]: PasswordHash] = [:]
        var remarks: [String] = []
        var seen: Set<[UInt8]> = []
        var first: PasswordHash?
        for entry in entries {
            let hash = entry.hash.prefix { $0 != UInt8(ascii: ":") && $0 != 0x0D && $0 != 0x0A && $0 != 0 }
            if entry.user.isEmpty {
                remarks.append("\(entry.place) names no user")
                continue
            }
            guard seen.insert(entry.user).inserted else {
                remarks.append("\(entry.place) has a user that was named before")
                continue
            }
            do {
                let known = try PasswordHash(hash)
                users[entry.user] = known
                if first == nil || first?.isQuick == true && !known.isQuick { first = known }
            } catch {
                remarks.append("the password of \(entry.place) \(error)")
            }
        }
        if remarks.count > Self.maxRemarks {
            remarks = Array(remarks.prefix(Self.maxRemarks)) + ["and \(remarks.count - Self.maxRemarks) more"]
        }
        guard let first else {
            throw Refusal(
                description: remarks.isEmpty
                    ? "it names nobody" : "nobody in it can come in: " + remarks.joined(separator: ", "))
        }
        self.users = users
        self.remarks = remarks
        decoy = first
    }

    /// What a user's password is compared with, and whether that lets him in at all: for somebody who is not there it is another
    /// one's, so that nobody finds out by the time who is.
    package func hash(of user: [UInt8]) -> (hash: PasswordHash, isUser: Bool) {
        users[user].map { ($0, true) } ?? (decoy, false)
    }

    package static func == (left: PasswordFile, right: PasswordFile) -> Bool {
        left === right || left.users == right.users
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(users.count) }
}
