import Testing

@testable import Controllers

@Suite("gRPC's health service is asked and understood")
struct GRPCHealthTests {
    @Test func `a request carries the service's name behind its length`() {
        #expect(GRPCHealth.request(service: "") == [0, 0, 0, 0, 0])
        #expect(GRPCHealth.request(service: "ab") == [0, 0, 0, 0, 4, 0x0A, 2, 0x61, 0x62])
        let long = GRPCHealth.request(service: String(repeating: "x", count: 300))
        #expect(Array(long.prefix(8)) == [0, 0, 0, 0x01, 0x2F, 0x0A, 0xAC, 0x02])
    }

    @Test(
        arguments: [
            ([0, 0, 0, 0, 2, 0x08, 1], nil), ([0, 0, 0, 0, 0], "UNKNOWN"), ([0, 0, 0, 0, 2, 0x08, 2], "NOT_SERVING"),
            ([0, 0, 0, 0, 2, 0x08, 3], "unknown to the server"), ([0, 0, 0, 0, 2, 0x08, 9], "cannot be read"),
            ([0, 0, 0, 0, 5, 0x12, 1, 0x61, 0x08, 1], nil), ([1, 0, 0, 0, 2, 0x08, 1], "cannot be read"),
            ([0, 0, 0, 0, 3, 0x08, 1], "cannot be read"), ([0, 0, 0, 0, 1, 0x08], "cannot be read"),
            ([0, 0, 0, 0, 2, 0x12, 0x7F], "cannot be read"), ([], "cannot be read"),
        ] as [([UInt8], String?)])
    func `an answer is serving only if it says so`(body: [UInt8], failure: String?) {
        let found = GRPCHealth.failure(status: 200, code: "0", message: nil, body: body)
        if let failure {
            #expect(found?.contains(failure) == true, "\(found ?? "serving")")
        } else {
            #expect(found == nil)
        }
    }

    @Test func `refusals say what refused`() {
        let serving: [UInt8] = [0, 0, 0, 0, 2, 0x08, 1]
        #expect(GRPCHealth.failure(status: 404, code: nil, message: nil, body: serving)?.contains("404") == true)
        #expect(
            GRPCHealth.failure(status: 200, code: "12", message: nil, body: [])?.contains("no grpc.health.v1") == true)
        #expect(GRPCHealth.failure(status: 200, code: "5", message: "who", body: [])?.contains("(who)") == true)
    }
}
