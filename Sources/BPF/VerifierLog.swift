/// What the kernel said while it checked a program.
struct VerifierLog {
    private let lines: [Substring]

    init(_ text: String) { lines = text.split(separator: "\n") }

    /// The instruction at which it stopped, by its place: the last line that begins with one, `12: (85) call …`.
    var place: Int? {
        for line in lines.reversed() {
            guard let colon = line.firstIndex(of: ":"), let place = Int(line[..<colon]),
                line[line.index(after: colon)...].hasPrefix(" (")
            else { continue }
            return place
        }
        return nil
    }

    /// The kernel's words: the last line that is about the program rather than about the check.
    var reason: String {
        let noise = ["processed ", "verification time ", "stack depth "]
        return lines.last { line in !noise.contains { line.hasPrefix($0) } }.map(String.init) ?? "it does not say why"
    }

    func error(of program: BPFProgram, _ number: Int32) -> BPFError {
        .rejected(
            instruction: place.map { program.words(at: $0) } ?? "the program \(program.name)", reason: reason,
            number: number)
    }
}
