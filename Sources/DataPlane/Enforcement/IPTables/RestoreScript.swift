import KubeModel

/// Input of `iptables-restore`, that knows whose each line is.
struct RestoreScript {
    private(set) var bytes: [UInt8] = []
    private(set) var lineCount = 0
    /// How many rules are deleted by their text: for each one the program compares it with all rules of the chain.
    private(set) var deletionCount = 0
    /// The first line of each run of lines of one owner, in order; nil is the frame.
    private var owners: [(line: Int, owner: NamespacedName?)] = []

    var isEmpty: Bool { lineCount == 0 }

    /// Adds one table; one that turns out to have no lines is left out.
    mutating func table(_ table: IPTablesTable, _ body: (inout RestoreScript) -> Void) {
        let before = self
        add("*\(table.rawValue)", of: nil)
        let start = self.lineCount
        body(&self)
        if self.lineCount == start {
            self = before
        } else {
            add("COMMIT", of: nil)
        }
    }

    mutating func add(_ line: String, of owner: NamespacedName?) {
        lineCount += 1
        if line.hasPrefix("-D") { deletionCount += 1 }
        if owners.isEmpty || owners.last?.owner != owner { owners.append((lineCount, owner)) }
        bytes += line.utf8
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Makes a chain, or empties it.
    mutating func chain(_ name: String, of owner: NamespacedName?) { add(":\(name) - [0:0]", of: owner) }

    /// Whose a line is, counted from 1; nil for lines of the frame, and those that are not there.
    func owner(ofLine line: Int) -> NamespacedName? {
        guard (1...max(1, lineCount)).contains(line) else { return nil }
        return owners.last { $0.line <= line }?.owner
    }

    /// The line that a complaint of `iptables-restore` is about: it says "line 7 failed", "line 7: …", or "Error
    /// occurred at line: 7".
    static func line(in complaint: String) -> Int? {
        var words = complaint.split { !$0.isLetter && !$0.isNumber }.makeIterator()
        while let word = words.next() {
            if word == "line", let number = words.next().flatMap({ Int($0) }) { return number }
        }
        return nil
    }
}
