import CProcess
import Glibc
import System

/// Memory that only the start of a process needed: code that runs once (flags, certificates, compiling schemas) and what
/// the heap held meanwhile.
enum StartupMemory {
    /// Has the heap keep some free memory at hand. Each thread's heap otherwise grows and shrinks with the documents of
    /// every second request, by system calls that stop the other threads.
    static func keepHeap() { martlet_keep_heap(128 << 10, 4 << 20, 1 << 20) }

    /// Has large blocks go back to the kernel as soon as they are free, for the life of the process. glibc otherwise takes the
    /// first large list of the API that is freed as a sign that such blocks come often, and puts tables of up to 32 MiB among
    /// the small ones, which hold on to what they leave: with 10,000 Services the data plane had 24 MB more, and 68 MB more
    /// while it started.
    static func mapLargeBlocks() { martlet_map_large_blocks(128 << 10) }

    /// Gives it back when the process has been at work for a few seconds, and so has in use what it needs.
    static func releaseSoon() {
        Task {
            // A process that ends meanwhile gives everything back.
            try? await Task.sleep(for: .seconds(5))
            release()
        }
    }

    /// Returns free heap to the kernel and forgets which pages of code are mapped. Those stay in the page cache: code that
    /// runs again costs one minor fault for every 64 KiB, once.
    static func release() {
        martlet_trim_heap()
        // Without /proc nothing is known and nothing is released.
        guard let maps = try? FileBytes.readIfPresent("/proc/self/maps") else { return }
        for line in maps.split(separator: UInt8(ascii: "\n")) {
            guard let range = codeRange(String(decoding: line, as: UTF8.self)) else { continue }
            madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
        }
    }

    /// The addresses of a line of proc_pid_maps(5) that maps code of a file, read-only: only such pages hold nothing that
    /// the file does not.
    static func codeRange(_ line: String) -> Range<UInt>? {
        let fields = line.split(separator: " ")
        guard fields.count >= 6, fields[1] == "r-xp", fields[5].hasPrefix("/") else { return nil }
        let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        guard ends.count == 2, ends[0] < ends[1] else { return nil }
        return ends[0]..<ends[1]
    }
}
