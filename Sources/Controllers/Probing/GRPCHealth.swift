/// The messages of gRPC's health service, `grpc.health.v1.Health/Check`
/// (github.com/grpc/grpc, doc/health-checking.md; framing: PROTOCOL-HTTP2.md).
enum GRPCHealth {
    static let path = "/grpc.health.v1.Health/Check"
    static let fields = [
        ("content-type", "application/grpc"), ("te", "trailers"), ("user-agent", "kube-probe/martlet"),
    ]

    /// `HealthCheckRequest` with its prefix: not compressed, four bytes of length.
    static func request(service: String) -> [UInt8] {
        let name = Array(service.utf8)
        // Field 1, a string.
        let message = name.isEmpty ? [] : [0x0A] + varint(name.count) + name
        let length = UInt32(message.count)
        return [0] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + message
    }

    /// What a call's outcome says; nil for SERVING.
    ///
    /// - Parameters:
    ///   - status: of the HTTP answer.
    ///   - code: `grpc-status`.
    ///   - body: the framed `HealthCheckResponse`.
    static func failure(status: Int, code: String?, message: String?, body: [UInt8]) -> String? {
        guard status == 200 else { return "gRPC probe failed: HTTP status \(status)" }
        guard code == nil || code == "0" else {
            // UNIMPLEMENTED has a name of its own, as the kubelet has it: the server lacks the health service.
            if code == "12" { return "gRPC probe failed: the server has no grpc.health.v1.Health service" }
            return "gRPC probe failed: grpc-status \(code ?? "")\(message.map { " (\($0.prefix(200)))" } ?? "")"
        }
        switch servingStatus(body) {
        case 1: return nil
        case 0: return "gRPC probe failed: the service's health is UNKNOWN"
        case 2: return "gRPC probe failed: the service is NOT_SERVING"
        case 3: return "gRPC probe failed: the service is unknown to the server"
        default: return "gRPC probe failed: the answer cannot be read"
        }
    }

    /// `HealthCheckResponse.status`; absent means 0 (UNKNOWN). nil when the message cannot be read.
    private static func servingStatus(_ body: [UInt8]) -> Int? {
        guard body.count >= 5, body[0] == 0 else { return nil }
        let length = body[1..<5].reduce(0) { $0 << 8 | Int($1) }
        guard body.count == 5 + length else { return nil }
        var rest = body[5...]
        var status = 0
        while !rest.isEmpty {
            guard let key = readVarint(&rest) else { return nil }
            switch key & 7 {
            case 0:
                guard let value = readVarint(&rest) else { return nil }
                if key >> 3 == 1 { status = value }
            case 2:
                // A field of a later version.
                guard let count = readVarint(&rest), count <= rest.count else { return nil }
                rest = rest.dropFirst(count)
            default: return nil
            }
        }
        return status
    }

    private static func varint(_ value: Int) -> [UInt8] {
        var rest = UInt(value)
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    private static func readVarint(_ bytes: inout ArraySlice<UInt8>) -> Int? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 63, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return Int(exactly: value) }
        }
        return nil
    }
}
