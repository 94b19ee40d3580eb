/// The words of a Corefile by line.
struct CorefileWords {
    struct Line: Hashable, Sendable {
        var number: Int
        var file: String?
        var words: [Word]

        var place: Corefile.Place { Corefile.Place(line: number, file: file) }
    }

    struct Word: Hashable, Sendable {
        var text: String
        /// In quotes a brace is a brace.
        var isQuoted = false

        var opens: Bool { text == "{" && !isQuoted }
        var closes: Bool { text == "}" && !isQuoted }
        /// A variable of the environment is in it (`{$NAME}`, `{%NAME%}`).
        var hasVariable: Bool { !isQuoted && (text.contains("{$") || text.contains("{%")) }
    }

    /// A word ends at white space; one that begins with a quotation mark ends at the next, over lines where need be, and
    /// `\"` is a mark in it. A word that begins with `#` and what is behind it on its line are a comment. A byte order mark
    /// before everything says nothing.
    static func split(_ text: String, file: String?) throws(Corefile.Failure) -> [Line] {
        var lines: [Line] = []
        var line = Line(number: 1, file: file, words: [])
        var number = 1
        var word = ""
        enum State { case between, word, quotation(line: Int), escape(line: Int), comment }
        var state = State.between
        func end(_ isQuoted: Bool = false) {
            line.words.append(Word(text: word, isQuoted: isQuoted))
            word = ""
        }
        for character in Self.withoutByteOrderMark(text) {
            if character.isNewline {
                switch state {
                case .quotation(let begun), .escape(let begun):
                    word.append("\n")
                    state = .quotation(line: begun)
                    number += 1
                    continue
                case .word: end()
                case .between, .comment: break
                }
                state = .between
                if !line.words.isEmpty { lines.append(line) }
                number += 1
                line = Line(number: number, file: file, words: [])
                continue
            }
            switch state {
            case .comment: break
            case .escape(let begun):
                // A backslash before anything else stands for itself, as patterns have them.
                if character != "\"" { word.append("\\") }
                word.append(character)
                state = .quotation(line: begun)
            case .quotation(let begun):
                if character == "\\" {
                    state = .escape(line: begun)
                } else if character == "\"" {
                    end(true)
                    state = .between
                } else {
                    word.append(character)
                }
            case .word:
                if character.isWhitespace {
                    end()
                    state = .between
                } else {
                    word.append(character)
                }
            case .between:
                if character.isWhitespace { continue }
                if character == "#" {
                    state = .comment
                } else if character == "\"" {
                    state = .quotation(line: number)
                } else {
                    word.append(character)
                    state = .word
                }
            }
        }
        switch state {
        case .quotation(let begun), .escape(let begun):
            throw Corefile.Failure(
                place: Corefile.Place(line: begun, file: file), message: "a quotation that begins here does not end")
        case .word: end()
        case .between, .comment: break
        }
        if !line.words.isEmpty { lines.append(line) }
        return lines.flatMap(broken)
    }

    /// What is behind a brace that opens a block is the block's first line, as CoreDNS reads it.
    private static func broken(_ line: Line) -> [Line] {
        guard let brace = line.words.dropLast().lastIndex(where: \.opens) else { return [line] }
        var (head, rest) = (line, line)
        head.words = Array(line.words[...brace])
        rest.words = Array(line.words[(brace + 1)...])
        return broken(head) + [rest]
    }

    /// Editors of Windows begin texts with one.
    static func withoutByteOrderMark(_ text: String) -> Substring {
        text.unicodeScalars.first == "\u{FEFF}" ? Substring(text.unicodeScalars.dropFirst()) : text[...]
    }
}
