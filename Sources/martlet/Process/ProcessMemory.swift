/// What a process occupies, from proc(5).
enum ProcessMemory {
    /// Resident set size; 0 when the process is gone.
    static func residentKilobytes(of pid: Int32) -> Int {
        // A process that ended between two looks is no error.
        guard let bytes = try? PrivateFile.read("/proc/\(pid)/status") else { return 0 }
        for line in bytes.split(separator: UInt8(ascii: "\n")) where line.starts(with: "VmRSS:".utf8) {
            return Int(String(decoding: line.filter { (0x30...0x39).contains($0) }, as: UTF8.self)) ?? 0
        }
        return 0
    }
}
