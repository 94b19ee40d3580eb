import NetworkTypes
import Testing

@testable import DNS

@Suite("A table of names") struct NameTableTests {
    private static let origin = Wire.name("cluster.local")

    private static func record(_ number: Int, _ address: Int) -> ZoneRecord {
        .address(Wire.name("n\(number).l\(number % 7).cluster.local"), IPAddress(v4: 0x0a00_0000 + UInt32(address)))
    }

    /// Names with their records, sorted, as text.
    private static func state(_ table: NameTable) -> [String] {
        table.nodes.map { node in
            "\(node.name) \(node.records.map { "\($0.type) \($0.data)" }.sorted())"
        }.sorted()
    }

    @Test func `whatever comes and goes, what is left is what is left alone`() throws {
        var table = NameTable(origins: [Self.origin], seed: 7)
        var kept: Set<ZoneRecord> = []
        // Numbers of a fixed sequence: many names share a leaf, and each comes and goes several times.
        var state: UInt64 = 1
        for _ in 0..<400 {
            var gone: [ZoneRecord] = []
            var new: [ZoneRecord] = []
            for _ in 0..<20 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let record = Self.record(Int(state >> 33) % 3000, Int(state >> 60))
                if kept.contains(record) {
                    gone.append(record)
                } else if !new.contains(record) {
                    new.append(record)
                }
            }
            table.apply(removing: gone, adding: new)
            kept.subtract(gone)
            kept.formUnion(new)
        }
        var fresh = NameTable(origins: [Self.origin], seed: 8)
        fresh.apply(removing: [], adding: kept)
        #expect(Self.state(table) == Self.state(fresh))
        #expect(table.count == fresh.count && table.count == table.nodes.count)
        for record in kept {
            #expect(table[record.name]?.records.contains(record) == true)
            #expect(table.node(of: WireName(record.name))?.recordSet(.a) != nil)
        }
        #expect(table.node(of: WireName(Wire.name("n3001.l0.cluster.local"))) == nil)
        table.apply(removing: kept, adding: [])
        #expect(table.count == 0 && table.nodes.isEmpty)
    }

    @Test func `a copy does not see what becomes of the table`() throws {
        var table = NameTable(origins: [Self.origin], seed: 7)
        table.apply(removing: [], adding: (0..<500).map { Self.record($0, 1) })
        let copy = table
        let before = Self.state(copy)
        table.apply(removing: (0..<250).map { Self.record($0, 1) }, adding: (200..<700).map { Self.record($0, 2) })
        #expect(Self.state(copy) == before)
        #expect(copy[Self.record(0, 1).name] != nil && table[Self.record(0, 1).name] == nil)
    }

    @Test func `a name that is held is there until nothing holds it`() throws {
        var table = NameTable(origins: [Self.origin], seed: 7)
        let name = Wire.name("a.b.cluster.local")
        table.pin(name)
        table.pin(name)
        table.apply(removing: [], adding: [.text(name, "1")])
        table.apply(removing: [.text(name, "1")], adding: [])
        table.unpin(name)
        #expect(table[name]?.isEmpty == true && table[Wire.name("b.cluster.local")]?.isEmpty == true)
        table.unpin(name)
        #expect(table[name] == nil && table[Wire.name("b.cluster.local")] == nil && table.count == 0)
        table.unpin(name)
        #expect(table.count == 0)
    }

    @Test func `records of many types and of great length are found among their neighbours`() throws {
        var table = NameTable(origins: [Self.origin], seed: 7)
        let name = Wire.name("big.cluster.local")
        let long = (0..<3000).map { ZoneRecord.address(name, IPAddress(v4: UInt32($0))) }
        let others = (0..<2000).map { Self.record($0, 3) }
        table.apply(
            removing: [], adding: others + long + [.text(name, "x"), .service(name, weight: 1, port: 2, target: name)])
        let node = try #require(table.node(of: WireName(name)))
        #expect(node.recordSets.map(\.type) == [.a, .txt, .srv] && node.recordSet(.a)?.count == 3000)
        #expect(node.recordSet(.aaaa) == nil && node.name == name && Set(node.records).count == 3002)
    }
}
