import KubeModel
import Testing

@Suite("Quantities as Kubernetes writes them") struct QuantityTests {
    static let texts: [(String, String?)] = [
        ("1", "1"), ("0.5", "500m"), ("1000m", "1"), ("1500m", "1500m"), ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"),
        ("1e3", "1e3"),
        ("1E", "1E"), ("100k", "100k"), ("0", "0"), ("-1", "-1"), ("+1", "1"), ("1000Ki", "1000Ki"), ("512Ki", "512Ki"),
        ("0.1n", "1n"), ("12345678901234567890", "9223372036854775807"), ("1Ki", "1Ki"), ("0.5Gi", "512Mi"),
        ("100", "100"),
        ("2e-3", "2e-3"), ("", nil), ("m", nil), ("1 Gi", nil), ("1gi", nil), ("1.2.3", nil), ("one", nil),
        ("1ee3", nil),
    ]

    @Test(arguments: texts)
    func `quantities are read and written as Kubernetes does`(_ text: String, _ canonical: String?) {
        #expect(Quantity(text)?.description == canonical)
    }

    @Test func `quantities compare by amount`() throws {
        let half = try #require(Quantity("500m"))
        let one = try #require(Quantity("1"))
        #expect(half < one && one == Quantity("1000m"))
        #expect(Quantity("1Gi").map { $0 > one } == true)
        #expect(half.roundedUp(toPowerOfTen: 0) == one && !half.isWhole && one.isWhole)
        #expect(Quantity("0.0001")?.roundedUp(toPowerOfTen: -3).description == "1m")
    }
}
