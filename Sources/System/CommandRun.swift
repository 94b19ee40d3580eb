internal import Glibc

/// One run of another program: bytes go in, bytes come out, nothing of it is unbounded.
package struct CommandRun: Sendable {
    /// How a run ended.
    package struct Ending: Hashable, Sendable {
        /// What the program exited with; 128 and the signal's number where a signal ended it.
        package var status: Int32
        /// It took longer than it may, and was killed.
        package var isTimedOut: Bool
        /// The first 4 KiB of what it wrote to standard error, as UTF-8 with replacements.
        package var complaint: String

        package var isSuccess: Bool { status == 0 && !isTimedOut }
    }

    /// An absolute path.
    package var executable: String
    package var arguments: [String]
    package var timeout: Duration

    package init(_ executable: String, _ arguments: [String], timeout: Duration = .seconds(30)) {
        self.executable = executable
        self.arguments = arguments
        self.timeout = timeout
    }

    /// The absolute path of a program in the directories that administrators' programs are in; nil where there is none.
    package static func find(_ name: String) -> String? {
        ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"].lazy
            .map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// Runs it and waits for its end: for threads that may block. The environment has a PATH and nothing else.
    ///
    /// - Parameter output: gets what the program writes to standard output, piece by piece.
    package func run(input: [UInt8] = [], output: (UnsafeRawBufferPointer) -> Void = { _ in })
        throws(SystemError) -> Ending
    {
        let (ours, theirs) = try Self.pair("run \(executable)")
        let errors: (ours: Int32, theirs: Int32)
        do throws(SystemError) {
            errors = try Self.pair("run \(executable)")
        } catch {
            close(ours)
            close(theirs)
            throw error
        }
        defer {
            close(ours)
            close(errors.ours)
        }
        var pid = pid_t()
        let failure = spawn(&pid, streams: theirs, errors: errors.theirs)
        close(theirs)
        close(errors.theirs)
        guard failure == 0 else { throw SystemError("run \(executable)", number: failure) }

        var complaint: [UInt8] = []
        let isTimedOut = !converse(ours, errors.ours, input, output) { piece in
            complaint += piece.prefix(max(0, 4096 - complaint.count))
        }
        if isTimedOut { kill(pid, SIGKILL) }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return Ending(
            status: signal == 0 ? status >> 8 & 0xFF : 128 + signal, isTimedOut: isTimedOut,
            complaint: String(decoding: complaint, as: UTF8.self))
    }

    /// Feeds and reads until both streams ended.
    ///
    /// - Returns: false where the time was up before.
    private func converse(
        _ stream: Int32, _ errors: Int32, _ input: [UInt8], _ output: (UnsafeRawBufferPointer) -> Void,
        _ complain: (UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        let clock = ContinuousClock()
        let deadline = clock.now + timeout
        var sent = 0
        var isStreamOpen = true
        var isErrorsOpen = true
        if input.isEmpty { shutdown(stream, Int32(SHUT_WR)) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while isStreamOpen || isErrorsOpen {
            let left = deadline - clock.now
            guard left > .zero else { return false }
            var polled = [
                pollfd(
                    fd: isStreamOpen ? stream : -1,
                    events: Int16(sent < input.count ? POLLIN | POLLOUT : POLLIN), revents: 0),
                pollfd(fd: isErrorsOpen ? errors : -1, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&polled, 2, Int32(clamping: Int(left / .milliseconds(1)) + 1)) > 0 else { continue }
            if polled[0].revents & Int16(POLLOUT) != 0, sent < input.count {
                let count = input.withUnsafeBytes {
                    send(
                        stream, $0.baseAddress?.advanced(by: sent), $0.count - sent,
                        Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
                }
                if count > 0 { sent += count }
                // A program that reads no further has said why.
                if count < 0, errno != EAGAIN, errno != EINTR { sent = input.count }
                if sent == input.count { shutdown(stream, Int32(SHUT_WR)) }
            }
            if polled[0].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
                isStreamOpen = Self.read(stream, buffer, output)
            }
            if polled[1].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
                isErrorsOpen = Self.read(errors, buffer, complain)
            }
        }
        return true
    }

    /// - Returns: false at the end of the stream.
    private static func read(
        _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, _ take: (UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
        if count > 0 { take(UnsafeRawBufferPointer(rebasing: buffer[..<count])) }
        return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))
    }

    /// Sockets rather than pipes: no other program that is started meanwhile gets them.
    private static func pair(_ purpose: String) throws(SystemError) -> (ours: Int32, theirs: Int32) {
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw SystemError(purpose, number: errno) }
        return (ends[0], ends[1])
    }

    private func spawn(_ pid: inout pid_t, streams: Int32, errors: Int32) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, streams, 0)
        posix_spawn_file_actions_adddup2(&actions, streams, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let argv: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
        let environment: [UnsafeMutablePointer<CChar>?] = [
            strdup("PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"), nil,
        ]
        defer { for pointer in argv + environment { free(pointer) } }
        return posix_spawn(&pid, executable, &actions, &attributes, argv, environment)
    }
}
