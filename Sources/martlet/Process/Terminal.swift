import Glibc

/// What a command prints for a person: plain lines on the two standard streams. What others wrote (names, statuses, the
/// last line of a log) reaches the terminal as visible text only.
enum Terminal {
    static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 }

    static func line(_ text: String) { write(visible(text) + "\n", to: STDOUT_FILENO) }
    static func error(_ text: String) { write("martlet: \(visible(text))\n", to: STDERR_FILENO) }

    /// Replaces the current line of an interactive terminal; what does not fit is cut off, since a line that wraps
    /// could not be replaced.
    static func status(_ text: String) {
        write("\r\u{1b}[2K\(fitting(visible(text), columns: columns))", to: STDOUT_FILENO)
    }

    /// The text, or its beginning and an ellipsis when it is longer than a line.
    static func fitting(_ text: String, columns: Int) -> String {
        text.count < columns || columns < 2 ? text : "\(text.prefix(columns - 2))…"
    }

    /// The text with everything that a terminal acts upon made visible: control characters but the end of a line, and
    /// those that turn the direction of writing (Unicode TR 36, 3.4). At most 4,096 characters of it.
    static func visible(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars.prefix(4096) {
            switch scalar.value {
            case 0x0A: result.unicodeScalars.append(scalar)
            case 0..<0x20, 0x7F...0x9F, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// "1 restart", "2 restarts".
    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// The width of the terminal; 80 where it does not tell.
    private static var columns: Int {
        var size = winsize()
        return ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno != EINTR { return }
            bytes = bytes.dropFirst(max(count, 0))
        }
    }
}
