import KubeModel
import TestSupport
import Testing

@Suite("Label and field selectors") struct SelectorTests {
    private let labels = ["app": "web", "tier": "front", "size": "3", "example.com/x": "", "in": "notin"]

    @Test(arguments: [
        ("", true), ("app", true), ("!app", false), ("missing", false), ("!missing", true), ("app=web", true),
        ("app==web", true), (" app = web , tier != db ", true), ("app!=web", false), ("missing!=x", true),
        ("app in (web, db)", true), ("app in (db)", false), ("app notin (db)", true), ("missing notin (db)", true),
        ("missing in (a)", false), ("size>2", true), ("size>3", false), ("size<4", true), ("app>1", false),
        ("example.com/x=", true), ("example.com/x", true), ("example.com/x in ()", true),
        ("example.com/x in (a,)", true), ("example.com/x in (,a)", true), ("app in (a,,b)", false),
        ("in=notin", true), ("in in (in,notin)", true), ("app=web,tier=front,size in (3)", true),
        ("app=web,tier=back", false), ("app,", true),
    ])
    func matchesAsKubectl(text: String, expected: Bool) throws {
        if text == "app," {
            #expect(throws: SelectorError.self) { try Selector(parsing: text) }
            return
        }
        let selector = try Selector(parsing: text)
        #expect(selector.matches(labels) == expected)
        #expect(try Selector(parsing: selector.description).requirements == selector.requirements)
    }

    @Test(arguments: [
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
        ("a=(", "unable to parse requirement: found '(', expected: identifier"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("a=b)", "found ')', expected: ',' or 'end of string'"),
        (
            "a>x",
            "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an "
                + "integer"
        ),
        (
            "a=b=c", "found '=', expected: ',' or 'end of string'"
        ),
        (
            "a=-",
            "unable to parse requirement: values[0][a]: Invalid value: \"-\": a valid label must be an empty string or "
                + "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
                + "character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
                + "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
        ),
    ])
    func refusesInKubernetesWords(text: String, message: String) {
        #expect(throws: SelectorError(message)) { try Selector(parsing: text) }
    }

    @Test func compilesTheStructuredForm() throws {
        let selector = try Selector(
            LabelSelector(
                matchLabels: ["app": "web"],
                matchExpressions: [
                    .init(key: "tier", operator: "In", values: ["front", "edge"]),
                    .init(key: "legacy", operator: "DoesNotExist"),
                ]))
        #expect(selector.matches(labels))
        #expect(selector.description == "app=web,!legacy,tier in (edge,front)")
        #expect(selector.exactValue(of: "app") == "web")
        #expect(selector.exactValue(of: "tier") == nil)
        #expect(try Selector(LabelSelector()).isEverything)
        #expect(throws: SelectorError.self) {
            try Selector(LabelSelector(matchExpressions: [.init(key: "a", operator: "Near")]))
        }
        #expect(Selector(labels: ["b": "2", "a": "1"]).description == "a=1,b=2")
    }

    @Test(arguments: [
        ("metadata.name=web", true), ("metadata.name==web,type!=X", true), ("metadata.name!=web", false), ("", true),
        (",", true),
        ("type=ClusterIP", true), ("absent=", true), ("odd=a\\,b\\=c\\\\d", true),
    ])
    func fieldSelectorsMatch(text: String, expected: Bool) throws {
        let fields = ["metadata.name": "web", "type": "ClusterIP", "odd": "a,b=c\\d"]
        let selector = try FieldSelector(parsing: text)
        #expect(selector.matches(fields) == expected)
        #expect(try FieldSelector(parsing: selector.description) == selector)
    }

    @Test(arguments: [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        ("a=b,c", "invalid selector: 'a=b,c'; can't understand 'c'"),
        ("a=b\\x", "invalid field selector: invalid escape sequence: \\x"),
        ("a=b=c", "invalid field selector: unescaped character in value: ="),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
    ])
    func fieldSelectorsRefuseInKubernetesWords(text: String, message: String) {
        #expect(throws: SelectorError(message)) { try FieldSelector(parsing: text) }
    }

    @Test func surviveMutatedTexts() throws {
        var random = SeededRandom(seed: 99)
        for seed in ["app in (web,db),!x/y,tier!=a,size>3,z", "metadata.name=web,status.phase!=Run\\,ning"] {
            for _ in 0..<10_000 {
                let text = String(decoding: random.mutated(Array(seed.utf8)), as: UTF8.self)
                if let selector = try? Selector(parsing: text) {  // refusing is fine, trapping is not
                    #expect(try Selector(parsing: selector.description) == selector)
                }
                if let selector = try? FieldSelector(parsing: text) {  // as above
                    #expect(try FieldSelector(parsing: selector.description) == selector)
                }
            }
        }
    }
}

@Suite("Selectors over encoded labels") struct EncodedLabelsTests {
    private static let maps: [[String: String]] = [
        [:], ["app": "web"], ["app": "web", "tier": "db", "n": "7"], ["app": "", "q\"ä": "v\\"],
        ["apps": "web", "ap": "web"],
        ["web": "app", "x/app": "web", "n": "12x"], ["größe": "klein", "app": "db"],
    ]

    @Test(arguments: [
        "", "app=web", "app==web,tier!=web", "app!=web", "app in (web,db)", "app notin (web,db)", "app", "!app", "n>5",
        "n<5", "n>7", "app=", "tier in (db),app=web,n", "apps=web", "x/app=web",
    ])
    func theySelectAsADictionaryDoes(_ text: String) throws {
        let selector = try Selector(parsing: text)
        for map in Self.maps {
            let compact = JSONValue(map).encoded()
            let spaced = Array(String(decoding: compact, as: UTF8.self).replacing("\":\"", with: "\" : \n\"").utf8)
            for bytes in [compact, spaced] + (map.isEmpty ? [[]] : []) {
                let selects = bytes.withUnsafeBufferPointer { selector.matches(encodedLabels: $0) }
                #expect(selects == selector.matches(map), "\(text) of \(map)")
            }
        }
    }

    @Test func mutatedBytesDoNotTrap() throws {
        var random = SeededRandom(seed: 9)
        let selector = try Selector(parsing: "app=web,n>3,!x")
        for _ in 0..<5000 {
            let bytes = random.mutated(JSONValue(Self.maps[2]).encoded())
            _ = bytes.withUnsafeBufferPointer { selector.matches(encodedLabels: $0) }
        }
    }
}
