import KubeModel
import Testing

@testable import APIResources

@Suite("Columns of a definition") struct PrinterColumnTests {
    private static let object: JSONValue = [
        "metadata": ["name": "a", "annotations": ["example.com/size": "big"]],
        "spec": ["ports": [["name": "http", "port": 80], ["name": "dns", "port": 53]], "on": true, "rate": 1.5],
        "status": [
            "conditions": [
                ["type": "Accepted", "status": "True"], ["type": "Ready", "status": "False", "since": "bad"],
            ], "at": "2026-01-01T00:00:00Z",
        ],
    ]

    @Test(
        arguments: [
            (".spec.ports[0].name", "http"), (".spec.ports[-1].port", 53), (".spec.ports[*].name", "http"),
            (".status.conditions[?(@.type==\"Ready\")].status", "False"),
            (".status.conditions[?(@.type=='Accepted')].status", "True"), (".spec.ports[?(@.port<80)].name", "dns"),
            (".spec.ports[?(@.none)].name", nil), (".metadata.annotations.example\\.com/size", "big"),
            (".metadata.annotations['example.com/size']", "big"), ("{.spec.on}", true), (".spec.none", nil),
            ("..port", 80), (".spec.ports[7].name", nil),
        ] as [(String, JSONValue?)])
    func aPathLeadsToItsFirstValue(_ path: String, _ value: JSONValue?) throws {
        #expect(try #require(ObjectPath(path)).first(in: Self.object) == value)
    }

    @Test(arguments: [".spec[", ".a[?(@.b==)]", ".a[x]", ".a.", ".a..", ".a[?(@.b=='c]"])
    func whatIsNoPathIsRefused(_ path: String) {
        #expect(ObjectPath(path) == nil)
    }

    @Test(
        arguments: [
            ("string", ".spec.ports[0].name", "http"), ("string", ".spec.on", "true"),
            ("string", ".spec.ports[0]", "{\"name\":\"http\",\"port\":80}"), ("integer", ".spec.ports[0].port", 80),
            ("integer", ".spec.rate", 1), ("integer", ".spec.ports[0].name", .null), ("number", ".spec.rate", 1.5),
            ("boolean", ".spec.on", true), ("boolean", ".spec.rate", .null), ("date", ".status.at", "60s"),
            ("date", ".status.conditions[1].since", "<invalid>"), ("string", ".spec.none", .null),
        ] as [(String, String, JSONValue)])
    func aCellIsOfItsColumnsType(_ type: String, _ path: String, _ cell: JSONValue) throws {
        let column = PrinterColumn(["name": "X", "type": .string(type), "jsonPath": .string(path)])
        let now = try #require(Timestamp("2026-01-01T00:01:00Z"))
        #expect(column.cell(of: Self.object, now: now) == cell)
    }

    @Test func withoutColumnsTheAgeIsShown() {
        #expect(PrinterColumn.table([]).columns.map(\.name) == ["Name", "Age"])
    }
}
