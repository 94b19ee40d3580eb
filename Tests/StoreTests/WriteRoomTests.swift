import Testing

@testable import Store

@Suite("Where writes find their room") struct WriteRoomTests {
    private let mega = 1 << 20

    @Test func `a disk with room for the log and for its carrying over is enough`() {
        var room = WriteRoom(besideReserve: 8 * mega, insideFile: 0, pendingGrowth: 0, reserve: 4 * mega)
        #expect(room.source(of: 4 * mega) == .disk)
        #expect(room.source(of: 4 * mega + 1) == .none)
        // What waits in the log needs its part of it.
        room.pendingGrowth = mega
        #expect(room.source(of: 4 * mega) == .none)
        // Where pages inside are free, only the log takes any.
        room.insideFile = 6 * mega
        #expect(room.source(of: 6 * mega) == .disk)
    }

    @Test func `free pages are used out of the reserve, as far as both go`() {
        var room = WriteRoom(besideReserve: 0, insideFile: 2 * mega, pendingGrowth: 0, reserve: 4 * mega)
        #expect(room.source(of: mega) == .freePages)
        #expect(room.source(of: 2 * mega) == .none)
        room.insideFile = 8 * mega
        #expect(room.source(of: 4 * mega) == .none)
        // The log must remain to be carried over.
        room.pendingGrowth = 4 * mega
        #expect(room.source(of: mega) == .none)
    }

    @Test func `what a value takes is not underestimated`() {
        let value = [UInt8](repeating: 1, count: 500_000)
        #expect(WriteRoom.bytes(of: [.create(key: "/k", value: value)]) > 123 * 4120)
        #expect(WriteRoom.bytes(of: [.delete(key: "/k", ifRevision: nil)]) < 64 << 10)
    }
}
