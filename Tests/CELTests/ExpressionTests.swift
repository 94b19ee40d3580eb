import CEL
import KubeModel
import TestSupport
import Testing

@Suite("CEL expressions") struct ExpressionTests {
    static let holding: [String] = [
        // Arithmetic and literals
        "1 + 2 * 3 == 7", "(1 + 2) * 3 == 9", "7 / 2 == 3", "-7 / 2 == -3", "-7 % 3 == -1", "0x1F == 31",
        "1u + 2u == 3u",
        "1.5e3 == 1500.0", ".5 == 0.5", "-(-3) == 3", "!!true", "- -3 == 3", "9223372036854775807 > 0",
        "-9223372036854775808 < 0", "10 - 3 - 2 == 5", "2 < 3 && 3 <= 3 && 4 > 3 && 4 >= 4 && 4 != 5",
        "1 == 1 ? true : false", "false ? 1/0 == 1 : true", "1 < 1.5", "2u > 1", "dyn(1) == dyn(1.0)",
        "dyn(1u) == dyn(1)", "dyn(1) != dyn('1')",
        // Strings and bytes
        "'a' + \"b\" == 'ab'", "r'\\d' == '\\\\d'", "'''it's''' == \"it's\"", "\"\"\"a\"b\"\"\" == 'a\"b'",
        "'\\u00fc\\x41\\101\\n' == 'üAA\\n'", "b'abc' == bytes('abc')", "size(b'\\xff') == 1",
        "R\"\"\"\\.\"\"\".size() == 2",
        "self.s.size() == 12", "size(self.t) == 5", "self.s.startsWith('Hello') && self.s.endsWith('World')",
        "self.s.contains('lo, W') && !self.s.contains('xyz') && self.s.contains('')", "self.s.matches('^H.*d$')",
        "matches(self.s, 'o, W')", "!self.s.matches('^[a-z]+$')", "self.s.lowerAscii() == 'hello, world'",
        "self.t.upperAscii() == 'GRüßE'", "'  x '.trim() == 'x'", "'a,b,c'.split(',') == ['a', 'b', 'c']",
        "'a,b,c'.split(',', 2) == ['a', 'b,c']", "'abc'.split('') == ['a', 'b', 'c']", "['a', 'b'].join('-') == 'a-b'",
        "['a', 'b'].join() == 'ab'", "'abab'.replace('b', 'x') == 'axax'", "'abab'.replace('b', 'x', 1) == 'axab'",
        "'ab'.replace('', '-') == '-a-b-'", "'tacocat'.indexOf('c') == 2", "'tacocat'.lastIndexOf('c') == 4",
        "'tacocat'.indexOf('a', 2) == 5", "'tacocat'.indexOf('z') == -1", "'tacocat'.lastIndexOf('c', 3) == 2",
        "'tacocat'.substring(4) == 'cat'", "'tacocat'.substring(0, 4) == 'taco'", "self.t.charAt(2) == 'ü'",
        "'abc'.charAt(3) == ''", "strings.quote('a\"b') == '\"a\\\\\"b\"'",
        "'%s is %d, %.2f, %x and %s%%'.format([dyn('x'), 3, 2.555, 255, [1, 2]]) == 'x is 3, 2.56, ff and [1, 2]%'",
        "'%e %b %o %X'.format([dyn(1234.5), 5, 8, 'hi']) == '1.234500e+03 101 10 6869'",
        "'abc 123 def 4'.find('[0-9]+') == '123'", "'abc 123 def 4'.findAll('[0-9]+') == ['123', '4']",
        "'a1b2c3'.findAll('[0-9]', 2) == ['1', '2']", "'B' < 'a' && 'a' < 'ab'",
        // Patterns
        "'ABC'.matches('(?i)^abc$')", "'foo bar'.matches('\\\\bbar\\\\b')", "'x'.matches('^[[:alpha:]]$')",
        "'ü'.matches('^\\\\pL$')", "'aaa'.matches('^a{3}$') && !'aaaa'.matches('^a{3}$')", "'a\\nb'.matches('(?s)a.b')",
        "!'a\\nb'.matches('a.b')", "'{'.matches('{')", "'a-b'.matches('^[\\\\w\\\\-]+$')", "''.matches('^$|^x$')",
        // Conversions
        "int('42') == 42 && int(2.9) == 2 && int(-2.9) == -2 && int(3u) == 3", "uint(3) == 3u && uint('4') == 4u",
        "double('1.5') == 1.5 && double(2) == 2.0",
        "string(1) == '1' && string(true) == 'true' && string(1.5) == '1.5'",
        "string(1.0) == '1'", "string(b'abc') == 'abc'", "bool('true') && !bool('false')",
        "string(duration('90m')) == '5400s'",
        "string(timestamp('2024-01-02T03:04:05Z')) == '2024-01-02T03:04:05Z'",
        "int(timestamp('1970-01-01T00:01:00Z')) == 60",
        "type(1) == int && type('') == string && type([]) == list && type({}) == map && type(1) != uint",
        "type(null) == null_type && type(type(1)) == type",
        // Time
        "self.later - self.when == duration('24h')", "self.when + duration('24h') == self.later",
        "self.later - duration('1h') < self.later", "self.when < self.later", "self.span == duration('5400s')",
        "self.span.getHours() == 1 && self.span.getMinutes() == 90 && self.span.getSeconds() == 5400",
        "self.span.getMilliseconds() == 5400000",
        "self.when.getFullYear() == 2024 && self.when.getMonth() == 1 && self.when.getDate() == 29",
        "self.when.getDayOfMonth() == 28 && self.when.getDayOfWeek() == 4 && self.when.getDayOfYear() == 59",
        "self.when.getHours() == 12 && self.when.getMinutes() == 34 && self.when.getMilliseconds() == 789",
        "self.when.getHours('+05:30') == 18 && self.when.getHours('UTC') == 12",
        "duration('1.5s') == duration('1500ms')",
        "self.data == b'hi'", "timestamp('2024-01-01T01:00:00+01:00') == timestamp('2024-01-01T00:00:00Z')",
        // Fields
        "self.metadata.name == 'it' && self.kind == 'Thing' && self.apiVersion == 'example.com/v1'",
        "has(self.s) && !has(self.absent) && has(self.empty)", "has(self.object.x) && !has(self.object.y)",
        "!has(self.metadata.generateName)", "self.__namespace__ == 'default'", "self.with__dash__dash == 5",
        "self.dot__dot__slash__slash__x == 6", "self.under__underscores__score == 7",
        "type(self.port) == int && self.port == 80", "type(self.named) == string ? self.named == 'http' : false",
        "!has(self.nullable)", "self.object == self.object", "self.n > 2.0 && self.n == 2.5",
        "string(self.zoned) == '2011-08-18T19:03:37.01+01:00' && self.zoned.getHours('UTC') == 18",
        "self.zoned == timestamp('2011-08-18T18:03:37.01Z') && self.zoned.getHours('01:00') == 19",
        "self.day == timestamp('1997-07-16T00:00:00.000Z') && self.day.getMonth() == 06",
        "self.port != ['anything'] && self.port != 'x' && (self.port == 'x' || self.port == 80)",
        "type(self) == type(self) && type(self.items[0]) == type(self.items[1])",
        "double(self.i) / 10.0 >= double('70%'.replace('%', '')) / 100.0",
        // Lists and maps
        "self.set == ['y', 'x'] && self.set == self.otherSet && self.set != ['x']",
        "self.set + ['y', 'z'] == ['z', 'x', 'y'] && self.set + self.otherSet == self.set",
        "self.items == [self.items[1], self.items[0]] && self.items + [self.items[0]] == self.items",
        "self.none.sum() == duration('0') && self.none.isSorted() && dyn([1.0, 2.0]).sum() == 3.0",
        "([0] + self.list.filter(x, x > 9)).min() == 0 && [[1], [2]].indexOf([1]) == 0",
        "[{'a': 1}, {'b': 2}].lastIndexOf({'b': 2}) == 1 && 'tacocat'.findAll('t', 0) == []",
        "2 in self.list && !(9 in self.list)", "'k' in self.map && !('z' in self.map)",
        "self.map['k'] == 'v' && self.map.k == 'v'",
        "has(self.map.k) && !has(self.map.z)", "self.list[0] == 3 && self.list.size() == 3",
        "[1] + [2, 3] == [1, 2, 3]",
        "self.list + [4] == [3, 1, 2, 4]", "{'a': 1}['a'] == 1 && {'a': 1}.a == 1", "size({1: 'x', 2: 'y'}) == 2",
        "{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", "self.set + ['z'] == ['x', 'y', 'z']",
        "self.words.isSorted() == false && ['a', 'b'].isSorted() && self.list.sum() == 6", "[].sum() == 0",
        "self.list.min() == 1 && self.list.max() == 3 && self.words.max() == 'c'", "self.list.indexOf(1) == 1",
        "[1, 2, 1].lastIndexOf(1) == 2 && self.list.indexOf(9) == -1",
        "sets.contains([1, 2, 3], [2]) && sets.equivalent([1, 2], [2, 1, 1]) && sets.intersects([1], [1, 2])",
        // Macros
        "self.list.all(x, x > 0) && !self.list.all(x, x > 1)",
        "self.list.exists(x, x == 2) && !self.list.exists(x, x == 9)",
        "self.list.exists_one(x, x > 2) && !self.list.exists_one(x, x > 1)", "self.list.map(x, x * 2) == [6, 2, 4]",
        "self.list.map(x, x > 1, x * 2) == [6, 4]", "self.list.filter(x, x != 1) == [3, 2]", "[].all(x, false)",
        "self.map.all(k, self.map[k].size() == 1)", "self.map.exists(k, k == 'a')",
        "self.map.filter(k, k != 'a') == ['k']",
        "self.items.all(x, self.items.exists_one(y, y.name == x.name))", "self.items.map(x, x.value).sum() == 3",
        "self.items.exists(x, has(x.value) && x.value == 2)", "[[1, 2], [3]].all(l, l.all(x, x < 4))",
        "self.words.exists(x, x == 'a') ? self.words.all(y, y != 'z') : false",
        "self.list.all(i, v, i < 3 && v > 0) && self.map.exists(k, v, k == 'k' && v == 'v')",
        "self.list.transformList(i, v, i + v) == [3, 2, 4]", "{'a': 1}.transformMap(k, v, v + 1) == {'a': 2}",
        // Errors that do not decide
        "true || 1 / 0 == 1", "1 / 0 == 1 || true", "!(false && 1 / 0 == 1)", "!(1 / 0 == 1 && false)",
        "[0, 1].exists(x, 1 / x == 1)", "![0, 2].all(x, 1 / x == 1)",
        // Optionals
        "optional.of(1).hasValue() && !optional.none().hasValue()", "optional.of(1).value() == 1",
        "optional.none().orValue(5) == 5", "self.?absent.orValue('x') == 'x' && self.?s.orValue('x') == self.s",
        "self.object.?y.or(self.object.?x).value() == 1", "self.map[?'z'].orValue('none') == 'none'",
        "self.list[?7].orValue(0) == 0 && self.list[?0].value() == 3",
        "[1, ?optional.none(), ?optional.of(2)] == [1, 2]",
        "{'a': 1, ?'b': optional.none()} == {'a': 1}", "optional.ofNonZeroValue('').orValue('d') == 'd'",
        "self.?s.optMap(x, x.size()).orValue(0) == 12 && self.?absent.optMap(x, x.size()).orValue(0) == 0",
        "has(self.?object.x) && self.?object.x.orValue(0) == 1",
        // Kubernetes' libraries
        "url('https://example.com/with space/').getEscapedPath() == '/with%20space/'",
        "url('https://a/p?key with spaces=value#anchor').getQuery() == {'key with spaces': ['value']}",
        "url('https://a/p?').getQuery() == {} && !isURL('https://a:b:c/') && !isURL('../relative')",
        "isURL('https://a.b:80/p?q=1') && !isURL('not a url') && isURL('/path')",
        "url('https://user@a.b:8080/p/x?q=1&q=2&r=%20').getHostname() == 'a.b'",
        "url('https://a.b:8080/p/x?q=1').getHost() == 'a.b:8080' && url('https://[::1]:80/').getHostname() == '::1'",
        "url('https://a.b:8080/p/x').getPort() == '8080' && url('https://a.b/p/x').getEscapedPath() == '/p/x'",
        "url('http://a/?q=1&q=2').getQuery() == {'q': ['1', '2']} && url('http://a').getScheme() == 'http'",
        "quantity('1Gi').isGreaterThan(quantity('1G')) && quantity('1500m').compareTo(quantity('1.5')) == 0",
        "quantity('50k').asInteger() == 50000 && !quantity('0.5').isInteger() && quantity('-1').sign() == -1",
        "quantity('1').add(quantity('500m')) == quantity('1.5') && quantity('2').sub(1) == quantity('1')",
        "isQuantity('3Mi') && !isQuantity('3 Mi') && quantity('1e3').asApproximateFloat() == 1000.0",
        "isIP('10.0.0.1') && isIP('::1') && !isIP('10.0.0.256') && !isIP('::ffff:1.2.3.4')",
        "ip('10.0.0.1').family() == 4 && ip('fe80::1').isLinkLocalUnicast() && ip('127.0.0.1').isLoopback()",
        "ip.isCanonical('2001:db8::1') && !ip.isCanonical('2001:DB8::1') && ip('8.8.8.8').isGlobalUnicast()",
        "isCIDR('10.0.0.0/8') && cidr('10.0.0.0/8').containsIP('10.2.3.4') && !cidr('10.0.0.0/8').containsIP('11.0.0.0')",
        "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')",
        "cidr('10.0.0.0/8').prefixLength() == 8 && cidr('10.1.0.0/16').ip() == ip('10.1.0.0')",
        "!format.dns1123Label().validate('valid-name').hasValue() && format.dns1123Label().validate('Bad').hasValue()",
        "format.named('uuid').value().validate('x').hasValue() && !format.named('none').hasValue()",
    ]

    @Test(arguments: holding) func holds(_ rule: String) throws {
        #expect(RuleFixture.problems(rule).map(\.message) == [])
        #expect(try RuleFixture.errors(["rule": .string(rule)]) == [])
    }

    /// Expressions that give an error when evaluated, and the error.
    static let failing: [(String, String)] = [
        ("9223372036854775807 + 1 > 0", "integer overflow"), ("1 / 0 == 1", "division by zero"),
        ("1 % 0 == 1", "modulus by zero"), ("0u - 1u == 0u", "unsigned integer overflow"),
        ("self.absent == ''", "no such key: absent"), ("self.map['z'] == ''", "no such key: z"),
        ("self.list[3] == 1", "index out of bounds: 3"), ("self.list[-1] == 1", "index out of bounds: -1"),
        ("type(self.nullable) == map", "no such key: nullable"),
        ("self.list.filter(x, x > 9).min() == 1", "min called on empty list"),
        ("optional.none().value() == 1", "optional.none() dereference"),
        ("'abc'.charAt(4) == ''", "index out of range: 4"),
        ("duration(self.s) == duration('1s')", "time: invalid duration \"Hello, World\""),
        ("'a'.matches(self.s.replace('Hello, World', '('))", "error parsing regexp: missing closing ): `(`"),
        ("1 / 0 == 1 || false", "division by zero"), ("[1, 0].all(x, 1 / x == 1)", "division by zero"),
    ]

    @Test(arguments: failing) func reportsFailures(_ rule: String, _ failure: String) throws {
        #expect(RuleFixture.problems(rule).map(\.message) == [])
        let errors = try RuleFixture.errors(["rule": .string(rule)])
        #expect(errors == ["<nil>: Invalid value: \"object\": \(failure) evaluating rule: \(rule)"])
    }

    @Test func namesOperandsThatDoNotFitWhenEvaluated() throws {
        let rule = "self.named < 5"
        let detail =
            "'no such overload': call arguments did not match a supported operator, function or macro signature for "
            + "rule: \(rule)"
        #expect(try RuleFixture.errors(["rule": .string(rule)]) == ["<nil>: Invalid value: \"object\": \(detail)"])
    }

    /// Expressions that are refused, the place and the reason.
    static let refused: [(String, Int, String)] = [
        ("self.missing == 1", 5, "undefined field 'missing'"),
        ("foo == 1", 1, "undeclared reference to 'foo' (in container '')"),
        ("self.s.frobnicate()", 18, "undeclared reference to 'frobnicate' (in container '')"),
        ("self.i == 'x'", 8, "found no matching overload for '_==_' applied to '(int, string)'"),
        ("self.s.size() + 'x' == ''", 15, "found no matching overload for '_+_' applied to '(int, string)'"),
        ("self.s.startsWith(1)", 18, "found no matching overload for 'startsWith' applied to 'string.(int)'"),
        ("size(1) == 1", 5, "found no matching overload for 'size' applied to '(int)'"),
        ("self.s.foo == 1", 7, "type 'string' does not support field selection"),
        (
            "self.i.all(x, true)", 5,
            "expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)"
        ),
        ("[1, 'x'].size() == 2", 5, "expected type 'int' but found 'string'"),
        ("self.namespace == ''", 5, "undefined field 'namespace'"),
        ("has(self)", 5, "invalid argument to has() macro"), ("namespace == ''", 1, "reserved identifier: namespace"),
        ("self.list.all(x.y, true)", 16, "argument must be a simple name"),
        ("self.i ? true : false", 8, "found no matching overload for '_?_:_' applied to '(int, bool, bool)'"),
        ("self.object == self.metadata", 13, "found no matching overload for '_==_' applied to '(object, object)'"),
        ("self.metadata.labels.size() == 0", 14, "undefined field 'labels'"),
        ("self.loose.free == 1", 11, "undefined field 'free'"),
        ("self.true == 1", 6, "Syntax error: mismatched input 'true' expecting IDENTIFIER"),
        ("self.object['x'] == 1", 12, "found no matching overload for '_[_]' applied to '(object, string)'"),
        (
            "self.object == {'x': 1}", 13,
            "found no matching overload for '_==_' applied to '(object, map(string, int))'"
        ),
        ("self.s == null", 8, "found no matching overload for '_==_' applied to '(string, null)'"),
        ("['a'].sum() == 'a'", 10, "found no matching overload for 'sum' applied to 'list(string).()'"),
        ("string(type(self)) == ''", 7, "found no matching overload for 'string' applied to '(type)'"),
        ("self.s.find(')') == ''", 13, "error parsing regexp: unexpected ): `)`"),
        ("duration('x') == self.span", 10, "invalid duration argument"),
        ("timestamp('x') == self.when", 11, "invalid timestamp argument"),
        ("true &&", 8, "Syntax error: mismatched input '<EOF>'"), ("'abc", 1, "Syntax error: unterminated string"),
        ("self.s.matches('(')", 16, "invalid matches argument: missing closing ): `(`"),
    ]

    @Test(arguments: refused) func refuses(_ rule: String, _ column: Int, _ message: String) throws {
        let found = RuleFixture.problems(rule)
        #expect(found.count == 1)
        let first = try #require(found.first)
        #expect(first.field == "schema.x-kubernetes-validations[0].rule")
        #expect(first.detail.hasPrefix("compilation failed: ERROR: <input>:1:\(column): \(message)\n | \(rule)\n | "))
    }

    @Test func pointsToTheLineOfAMistake() throws {
        let found = RuleFixture.problems("true &&\n  self.nope")
        #expect(
            found.first?.detail
                == "compilation failed: ERROR: <input>:2:7: undefined field 'nope'\n |   self.nope\n | ......^")
    }

    @Test func refusesRulesThatAreNotTruthValues() {
        #expect(RuleFixture.problems("self.i + 1").first?.detail == "cel expression must evaluate to a bool")
    }

    @Test(arguments: [
        String(repeating: "(", count: 100_000),
        String(repeating: "!", count: 1) + String(repeating: "[", count: 50_000),
        String(repeating: "-1+", count: 30_000) + "1 == 1", "self" + String(repeating: ".s", count: 40_000),
        String(repeating: "true ? ", count: 10_000), "'a'.matches('\(String(repeating: "(", count: 5000))')",
        "'a'.matches('((((a{1000}){1000}){1000}){1000})')",
        "self.s" + String(repeating: ".trim()", count: 10_000) + " == ''",
    ])
    func endsHostileExpressionsWithAMessage(_ rule: String) {
        #expect(!RuleFixture.problems(rule).isEmpty)
    }

    @Test func chainsInsideOfChainsDoNotGrowDeep() {
        let inner = (0..<200).reduce("1") { text, level in
            "(\(text))" + String(repeating: "+1", count: 200 - level)
        }
        #expect(!RuleFixture.problems("\(inner) == 1").isEmpty)
    }

    /// Each would make gigabytes, or run for minutes.
    @Test(arguments: [
        "[self.words.map(x, self.s)].map(a, a.map(x, a.join()))[0].map(x, a)",
        (0..<40).reduce("self.list") { text, _ in "[\(text)].map(a, a + a)[0]" } + ".size() > 0",
        (0..<24).reduce("self.s") { text, _ in "[\(text)].map(a, a + a)[0]" } + ".size() > 0",
        (0..<20).reduce("self.words") { text, _ in "[\(text)].map(a, a.map(x, a.join()))[0]" } + ".size() > 0",
        "self.s.matches('((((' + 'a{1000}){100}){10}){2})')",
        (0..<8).reduce("self.s") { text, _ in "\(text).replace('', self.s)" } + ".size() > 0",
    ])
    func evaluationsStayBounded(_ rule: String) throws {
        let schema = try Schema(json: RuleFixture.schema(rule: ["rule": .string(rule)]), rules: .cel)
        #expect(!schema.ruleErrors(RuleFixture.object, old: nil).isEmpty)
    }

    @Test func mutatedExpressionsAndObjectsDoNoHarm() throws {
        var random = SeededRandom(seed: 0x5e1f)
        for round in 0..<600 {
            let source = Self.holding[round % Self.holding.count]
            let rule = String(decoding: random.mutated(Array(source.utf8)), as: UTF8.self)
            let schema = try Schema(json: RuleFixture.schema(rule: ["rule": .string(rule)]), rules: .cel)
            _ = schema.ruleErrors(RuleFixture.object, old: RuleFixture.object)
            // Values of any type, as if nothing had been validated.
            guard let object = try? JSONParser.parse(random.mutated(RuleFixture.object.encoded())) else { continue }
            _ = schema.ruleErrors(object, old: RuleFixture.object)
        }
    }

    @Test func acceptsLongChainsOfConditions() throws {
        let rule = (0..<2000).map { "self.i != \($0 + 100)" }.joined(separator: " && ")
        #expect(RuleFixture.problems(rule).map(\.message) == [])
        #expect(try RuleFixture.errors(["rule": .string(rule)]) == [])
    }
}
