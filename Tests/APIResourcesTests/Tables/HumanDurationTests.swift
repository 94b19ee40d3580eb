import Testing

@testable import APIResources

@Suite("Ages as people read them") struct HumanDurationTests {
    private static let minute: Int64 = 60
    private static let hour: Int64 = 3600
    private static let day: Int64 = 86400
    private static let year: Int64 = 365 * 86400

    @Test(arguments: [
        (-2, "<invalid>"), (-1, "0s"), (0, "0s"), (1, "1s"), (70, "70s"), (119, "119s"),
        (2 * minute, "2m"), (3 * minute + 3, "3m3s"), (9 * minute + 59, "9m59s"), (10 * minute, "10m"),
        (10 * minute + 30, "10m"), (179 * minute, "179m"),
        (3 * hour, "3h"), (7 * hour + 32 * minute, "7h32m"), (8 * hour + 30 * minute, "8h"), (47 * hour, "47h"),
        (2 * day, "2d"), (2 * day + hour, "2d1h"), (7 * day + 23 * hour, "7d23h"), (8 * day + 23 * hour, "8d"),
        (729 * day, "729d"), (2 * year, "2y"), (2 * year + day, "2y1d"), (7 * year + 364 * day, "7y364d"),
        (8 * year, "8y"), (99 * year + 3 * day, "99y"),
    ]) func isCoarserTheLongerItIs(_ seconds: Int64, _ text: String) {
        #expect(HumanDuration(seconds: seconds).description == text)
    }
}
