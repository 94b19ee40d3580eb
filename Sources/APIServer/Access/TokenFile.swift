import APIResources

/// The static tokens of `--token-auth-file`, in Kubernetes' CSV: `token,user,uid` and optionally `"group1,group2"`.
struct TokenFile: Sendable {
    private let users: [String: UserInfo]
    /// Of all users that have a token.
    let names: Set<String>

    /// - Throws: a message that names the line.
    init(parsing text: String) throws(APIServerError) {
        var users: [String: UserInfo] = [:]
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let fields = Self.fields(line)
            if fields.count == 1, fields[0].isEmpty { continue }
            guard fields.count >= 3 else {
                throw APIServerError(
                    .badTokenFile,
                    "--token-auth-file: line \(index + 1): a token needs at least token, user name and user uid")
            }
            guard !fields[0].isEmpty else { continue }
            var groups = fields.count > 3 ? fields[3].split(separator: ",").map(String.init) : []
            groups.append("system:authenticated")
            users[fields[0]] = UserInfo(name: fields[1], uid: fields[2], groups: groups)
        }
        self.users = users
        names = Set(users.values.map(\.name))
    }

    subscript(token: String) -> UserInfo? { users[token] }

    /// RFC 4180 fields of one line; space around unquoted fields is dropped.
    private static func fields(_ line: Substring) -> [String] {
        var fields: [String] = []
        var field = ""
        var isQuoted = false
        var iterator = line.makeIterator()
        var pending = iterator.next()
        while let character = pending {
            pending = iterator.next()
            switch character {
            case "\"" where isQuoted && pending == "\"":
                field.append("\"")
                pending = iterator.next()
            case "\"": isQuoted.toggle()
            case "," where !isQuoted:
                fields.append(field)
                field = ""
            case " " where field.isEmpty && !isQuoted: break
            default: field.append(character)
            }
        }
        fields.append(field)
        return fields.map(trimmedEnd)
    }

    private static func trimmedEnd(_ text: String) -> String {
        var text = text
        while text.last == " " { text.removeLast() }
        return text
    }
}
