import Foundation
import Glibc
import Synchronization
import System

/// A bus with a systemd on it, as far as following units needs one (the D-Bus specification: authentication EXTERNAL, version
/// 1 of the protocol, little-endian). One connection at a time, on a unix socket of its own.
final class FakeBus: Sendable {
    struct State {
        /// What units say, by object path: property to text, or nothing for an error.
        var units: [String: [String: String]] = [:]
        /// Whether calls are answered.
        var isMute = false
        /// Requests seen, as `Member path`.
        var calls: [String] = []
        var connections = 0
        fileprivate var client: Int32 = -1
        fileprivate var serial: UInt32 = 0
    }

    let state = Mutex(State())
    let path = "/tmp/martlet-bus-\(UUID().uuidString.prefix(8))"
    private let listener: Int32

    var address: String { "unix:path=\(path)" }

    init() throws {
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0, listen(listener, 4) == 0 else { throw SystemError("listen on \(path)", number: errno) }
        try BackgroundThread(name: "fake bus") { [self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                state.withLock { state in
                    state.client = client
                    state.connections += 1
                }
                serve(client)
                state.withLock { $0.client = -1 }
                close(client)
            }
        }.detach()
    }

    func stop() {
        unlink(path)
        shutdown(listener, Int32(SHUT_RDWR))
        drop()
        close(listener)
    }

    /// Ends the connection.
    func drop() { state.withLock { state in if state.client >= 0 { shutdown(state.client, Int32(SHUT_RDWR)) } } }

    /// Changes a unit, and tells of it.
    func set(_ path: String, _ properties: [String: String]) {
        state.withLock { $0.units[path] = properties }
        var body = Bytes()
        body.text("org.freedesktop.systemd1.Unit")
        body.dictionary([:])
        body.word(0)
        signal(path, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", body)
    }

    /// systemd comes to the bus, or leaves it.
    func own(_ isThere: Bool) {
        var body = Bytes()
        for text in ["org.freedesktop.systemd1", isThere ? "" : ":1.0", isThere ? ":1.0" : ""] { body.text(text) }
        signal(
            "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", "sss", body,
            from: "org.freedesktop.DBus")
    }

    func send(_ bytes: [UInt8]) { state.withLock { state in if state.client >= 0 { Self.write(state.client, bytes) } } }

    private func signal(
        _ path: String, _ interface: String, _ member: String, _ signature: String, _ body: Bytes, from: String = ":1.0"
    ) {
        send(
            message(4, signature, body) { fields in
                fields.field(1, "o", path)
                fields.field(2, "s", interface)
                fields.field(3, "s", member)
                fields.field(7, "s", from)
            })
    }

    private static func write(_ client: Int32, _ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { Glibc.send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    private func message(_ type: UInt8, _ signature: String, _ body: Bytes, _ fill: (inout Bytes) -> Void) -> [UInt8] {
        // The array begins at a multiple of 8, so that what is aligned in it alone is aligned in the message.
        var fields = Bytes()
        fill(&fields)
        if !signature.isEmpty { fields.field(8, "g", signature) }
        var head = Bytes()
        head.bytes = [UInt8(ascii: "l"), type, 1, 1]
        head.word(UInt32(body.bytes.count))
        head.word(
            state.withLock { state in
                state.serial += 1
                return state.serial
            })
        head.word(UInt32(fields.bytes.count))
        head.bytes += fields.bytes
        head.align(8)
        return head.bytes + body.bytes
    }

    private func serve(_ client: Int32) {
        var input: [UInt8] = []
        func more() -> Bool {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = recv(client, &buffer, buffer.count, 0)
            if count > 0 { input += buffer.prefix(count) }
            return count > 0
        }
        // Lines first, then messages.
        while true {
            while let end = input.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: input[..<end].filter { $0 >= 0x20 }, as: UTF8.self)
                input.removeSubrange(...end)
                if line == "BEGIN" { return converse(client, &input, more) }
                let answer =
                    line == "AUTH EXTERNAL"
                    ? "DATA"
                    : line == "NEGOTIATE_UNIX_FD"
                        ? "AGREE_UNIX_FD" : "OK 0123456789abcdef0123456789abcdef"
                Self.write(client, Array((answer + "\r\n").utf8))
            }
            guard more() else { return }
        }
    }

    private func converse(_ client: Int32, _ input: inout [UInt8], _ more: () -> Bool) {
        while true {
            guard input.count >= 16, let call = Call(input) else {
                guard more() else { return }
                continue
            }
            input.removeFirst(call.length)
            answer(call, client)
        }
    }

    private func answer(_ call: Call, _ client: Int32) {
        let (isMute, unit) = state.withLock { state in
            state.calls.append("\(call.member) \(call.path)")
            return (state.isMute, state.units[call.path])
        }
        guard !call.wantsNoAnswer, !isMute || call.member == "Hello" || call.member == "AddMatch" else { return }
        var body = Bytes()
        var (type, signature): (UInt8, String) = (2, "")
        switch call.member {
        case "Hello":
            body.text(":1.1")
            signature = "s"
        case "GetAll":
            if let unit {
                body.dictionary(unit)
                signature = "a{sv}"
            } else {
                body.text("there is no such unit")
                (type, signature) = (3, "s")
            }
        default: break
        }
        Self.write(
            client,
            message(type, signature, body) { fields in
                if type == 3 { fields.field(4, "s", "org.freedesktop.systemd1.NoSuchUnit") }
                fields.align(8)
                fields.bytes += [5, 1, UInt8(ascii: "u"), 0]
                fields.word(call.serial)
                fields.field(7, "s", call.member == "GetAll" ? ":1.0" : "org.freedesktop.DBus")
            })
    }

    /// Values in their wire form, from an offset that is a multiple of 8.
    private struct Bytes {
        var bytes: [UInt8] = []

        mutating func align(_ width: Int) { while bytes.count % width != 0 { bytes.append(0) } }

        mutating func word(_ value: UInt32) {
            align(4)
            withUnsafeBytes(of: value.littleEndian) { bytes += Array($0) }
        }

        mutating func text(_ text: String) {
            word(UInt32(text.utf8.count))
            bytes += Array(text.utf8) + [0]
        }

        mutating func signature(_ text: String) { bytes += [UInt8(text.utf8.count)] + Array(text.utf8) + [0] }

        mutating func field(_ code: UInt8, _ type: String, _ value: String) {
            align(8)
            bytes.append(code)
            signature(type)
            if type == "g" { signature(value) } else { text(value) }
        }

        mutating func dictionary(_ entries: [String: String]) {
            word(0)
            let length = bytes.count - 4
            align(8)
            let start = bytes.count
            for (key, value) in entries {
                align(8)
                text(key)
                signature("s")
                text(value)
            }
            withUnsafeBytes(of: UInt32(bytes.count - start).littleEndian) {
                bytes.replaceSubrange(length..<length + 4, with: $0)
            }
        }
    }

    /// A method call; what is not needed of it is passed over.
    private struct Call {
        var serial: UInt32 = 0
        var length = 0
        var wantsNoAnswer = false
        var path = ""
        var member = ""

        /// Nil while it has not come as a whole.
        init?(_ input: [UInt8]) {
            func word(_ at: Int) -> Int { (0..<4).reduce(0) { $0 | Int(input[at + $1]) << (8 * $1) } }
            let fields = word(12)
            let start = (16 + fields + 7) / 8 * 8
            length = start + word(4)
            guard input.count >= length else { return nil }
            serial = UInt32(word(8))
            wantsNoAnswer = input[2] & 1 != 0
            var at = 16
            while at < 16 + fields {
                at = (at + 7) / 8 * 8
                let code = input[at]
                let type = input[at + 2]
                at += 4
                if type == UInt8(ascii: "g") {
                    at += Int(input[at]) + 2
                    continue
                }
                at = (at + 3) / 4 * 4
                guard type == UInt8(ascii: "s") || type == UInt8(ascii: "o") else {
                    at += 4
                    continue
                }
                let count = word(at)
                let text = String(decoding: input[(at + 4)..<(at + 4 + count)], as: UTF8.self)
                if code == 1 { path = text }
                if code == 3 { member = text }
                at += 4 + count + 1
            }
        }
    }
}
