import Foundation
import Testing

@testable import CEL
@testable import KubeModel

@Suite("Time zones by name") struct CELTimeZoneTests {
    private static let hasDatabase = FileManager.default.fileExists(atPath: "/usr/share/zoneinfo/Europe/Berlin")

    private func moment(_ text: String) throws -> Int64 { try #require(Timestamp(text)).secondsSinceEpoch }

    @Test(
        .enabled(if: hasDatabase, "there is no time zone database"),
        arguments: [
            ("Europe/Berlin", "2024-01-15T12:00:00Z", 3600), ("Europe/Berlin", "2024-07-15T12:00:00Z", 7200),
            ("Europe/Berlin", "2024-03-31T00:59:59Z", 3600), ("Europe/Berlin", "2024-03-31T01:00:00Z", 7200),
            ("America/St_Johns", "2009-02-13T23:31:30Z", -12600), ("Asia/Kathmandu", "2024-01-01T00:00:00Z", 20700),
            ("Europe/Berlin", "2050-01-15T12:00:00Z", 3600), ("Europe/Berlin", "2050-07-15T12:00:00Z", 7200),
            ("Europe/Berlin", "1880-01-01T00:00:00Z", 3208), ("Etc/GMT+5", "2024-01-01T00:00:00Z", -18000),
        ])
    func `offsets are those of the place and the season`(name: String, time: String, offset: Int) throws {
        let zone = try #require(CELTimeZone.named(name))
        #expect(zone.offset(at: try moment(time)) == Int64(offset))
    }

    @Test(arguments: ["", "../../../etc/passwd", "/etc/passwd", "Europe//Berlin", "Nowhere/Land", "Europe", "a.b"])
    func `nothing else is read`(name: String) {
        #expect(CELTimeZone.named(name) == nil)
    }

    @Test func `what is cut off or false is no zone`() {
        var file = Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15)
        file += [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4]
        #expect(CELTimeZone(file: file) == nil)
        #expect(CELTimeZone(file: Array(repeating: 0xff, count: 200)) == nil)
        #expect(CELTimeZone(file: Array("TZif2".utf8) + [UInt8](repeating: 0xff, count: 200)) == nil)
    }
}
