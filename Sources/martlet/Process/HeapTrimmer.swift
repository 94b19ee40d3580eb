import CProcess
import System

/// Gives memory of a burst back to the kernel when it is over, for as long as the process lives.
enum HeapTrimmer {
    /// Between two looks, each of which reads one line of /proc.
    private static let interval: Duration = .seconds(15)

    static func start() {
        Task {
            var policy = HeapTrimPolicy()
            // Ends with the process; only a cancelled task would end the sleep early, and nobody cancels this one.
            while (try? await Task.sleep(for: interval)) != nil {
                guard look(&policy) != nil else { return }
            }
        }
    }

    /// Looks once, and gives free heap back where the policy says so.
    /// - Returns: whether it did; nil where nobody can tell what is free.
    static func look(_ policy: inout HeapTrimPolicy) -> Bool? {
        guard let resident = anonymousBytes() else { return nil }
        guard policy.look(resident: resident, used: martlet_heap_in_use()) else { return false }
        martlet_trim_heap()
        return true
    }

    /// Resident less what files back (proc_pid_statm(5)); nil without /proc.
    static func anonymousBytes() -> Int? {
        guard let bytes = try? FileBytes.readIfPresent("/proc/self/statm") else { return nil }
        let pages = String(decoding: bytes, as: UTF8.self).split(separator: " ").compactMap { Int($0) }
        guard pages.count >= 3 else { return nil }
        return (pages[1] - pages[2]) * martlet_page_size()
    }
}
