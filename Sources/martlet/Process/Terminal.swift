import Glibc

/// What a command prints for a person: plain lines on the two standard streams.
enum Terminal {
    static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 }

    static func line(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }
    static func error(_ text: String) { write("martlet: \(text)\n", to: STDERR_FILENO) }

    /// Replaces the current line of an interactive terminal; what does not fit is cut off, since a line that wraps
    /// could not be replaced.
    static func status(_ text: String) { write("\r\u{1b}[2K\(fitting(text, columns: columns))", to: STDOUT_FILENO) }

    /// The text, or its beginning and an ellipsis when it is longer than a line.
    static func fitting(_ text: String, columns: Int) -> String {
        text.count < columns || columns < 2 ? text : "\(text.prefix(columns - 2))…"
    }

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
