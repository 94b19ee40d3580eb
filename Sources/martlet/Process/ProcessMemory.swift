import System

/// What a process occupies, from proc(5).
enum ProcessMemory {
    /// Resident memory, of pages shared with other processes only its share, so that the sum over a family is what the
    /// family occupies; 0 when the process is gone.
    static func kilobytes(of pid: Int32) -> Int {
        // A process that ended between two looks is no error.
        guard let bytes = try? FileBytes.readIfPresent("/proc/\(pid)/smaps_rollup") else { return 0 }
        for line in bytes.split(separator: UInt8(ascii: "\n")) where line.starts(with: "Pss:".utf8) {
            return Int(String(decoding: line.filter { (0x30...0x39).contains($0) }, as: UTF8.self)) ?? 0
        }
        return 0
    }
}
