import KubeModel
import Testing

@Suite("Timestamps as text") struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
        ("2026-11-22T23:37:58Z", 1_795_390_678, "2026-11-22T23:37:58Z"),
        ("2024-02-29T12:00:00.999999999+02:00", 1_709_200_800, "2024-02-29T10:00:00Z"),
        ("1969-12-31T23:59:59Z", -1, "1969-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00Z", -62_135_596_800, "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59-00:00", 253_402_300_799, "9999-12-31T23:59:59Z"),
    ])
    func readsRFC3339(text: String, seconds: Int64, canonical: String) throws {
        let timestamp = try #require(Timestamp(text))
        #expect(timestamp.secondsSinceEpoch == seconds)
        #expect(timestamp.description == canonical)
    }

    @Test(arguments: [
        "", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.5", "2026-01-01T00:00:00+0200",
        "2026-01-01t00:00:00Z", "2026-01-01T00:00:00Zx", "+026-01-01T00:00:00Z",
    ])
    func refusesAnythingElse(text: String) {
        #expect(Timestamp(text) == nil)
        #expect(MicroTime(text) == nil)
    }

    @Test func keepsMicroseconds() throws {
        let time = try #require(MicroTime("2026-01-02T03:04:05.123456789Z"))
        #expect(time.description == "2026-01-02T03:04:05.123456Z")
        #expect(MicroTime(microsecondsSinceEpoch: -1).description == "1969-12-31T23:59:59.999999Z")
        #expect(time.timestamp.description == "2026-01-02T03:04:05Z")
    }
}
