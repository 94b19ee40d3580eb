import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of Jobs") struct JobStrategyTests {
    static func job(_ fields: [String: JSONValue?] = [:], pod: [String: JSONValue] = ["restartPolicy": "Never"])
        -> JSONValue
    {
        var podSpec: JSONObject = ["containers": [["name": "a", "image": "a:1"]]]
        for (key, value) in pod { podSpec[key] = value }
        var spec: JSONObject = ["template": ["spec": .object(podSpec)]]
        for (key, value) in fields { spec[key] = value }
        return ["metadata": ["name": "pi", "uid": "u-1"], "spec": .object(spec)]
    }

    static let cases: [RefusalCase] = [
        RefusalCase("good", job()),
        RefusalCase(
            "restarted for ever", job(pod: [:]),
            "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\""),
        RefusalCase(
            "numbers", job(["parallelism": -1, "backoffLimit": -2]),
            "spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
            "spec.backoffLimit: Invalid value: -2: must be greater than or equal to 0"),
        RefusalCase(
            "indexed without a number", job(["completionMode": "Indexed", "parallelism": 2]),
            "spec.completions: Required value: when completion mode is Indexed"),
        RefusalCase(
            "limits of indexes without indexes", job(["backoffLimitPerIndex": 1]),
            "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"),
        RefusalCase(
            "labels of another Job",
            job([
                "template": [
                    "metadata": ["labels": ["job-name": "other"]],
                    "spec": ["containers": [["name": "a", "image": "a"]], "restartPolicy": "Never"],
                ]
            ]),
            "spec.template.metadata.labels[job-name]: Invalid value: {\"job-name\":\"other\","
                + "\"batch.kubernetes.io/job-name\":\"pi\",\"batch.kubernetes.io/controller-uid\":\"u-1\","
                + "\"controller-uid\":\"u-1\"}: must be 'pi'"),
        RefusalCase(
            "a policy of failures",
            job([
                "podFailurePolicy": [
                    "rules": [
                        ["action": "Odd", "onExitCodes": ["operator": "In", "values": [2, 0, 2]]],
                        ["action": "FailIndex", "onPodConditions": [["type": "DisruptionTarget"]]],
                        ["action": "Ignore"],
                    ]
                ]
            ]),
            "spec.podFailurePolicy.rules[0].action: Unsupported value: \"Odd\": supported values: \"Count\", "
                + "\"FailIndex\", \"FailJob\", \"Ignore\"",
            "spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator",
            "spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 2",
            "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,0,2]: must be ordered",
            "spec.podFailurePolicy.rules[1].action: Invalid value: \"FailIndex\": requires the backoffLimitPerIndex to be "
                + "set",
            "spec.podFailurePolicy.rules[2]: Invalid value: specifying one of OnExitCodes and OnPodConditions is "
                + "required"),
        RefusalCase(
            "a policy of success",
            job([
                "completionMode": "Indexed", "completions": 5,
                "successPolicy": ["rules": [["succeededIndexes": "0-9"], ["succeededCount": 9], [:]]],
            ]),
            "spec.successPolicy.rules[0].succeededIndexes: Invalid value: \"0-9\": error parsing succeededIndexes: too "
                + "large index: \"9\"",
            "spec.successPolicy.rules[1].succeededCount: Invalid value: 9: must be less than or equal to 5 (the number of "
                + "specified completions)",
            "spec.successPolicy.rules[2]: Required value: at least one of succeededCount or succeededIndexes must be "
                + "specified"),
    ]

    @Test(arguments: cases)
    func `a Job is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(JobStrategy())
    }

    @Test func `a Job gets its selector, labels and defaults`() throws {
        let stored = try #require(StrategyFixture(strategy: JobStrategy()).create(Self.job()).document)
        let labels: JSONValue = [
            "batch.kubernetes.io/controller-uid": "u-1", "controller-uid": "u-1",
            "batch.kubernetes.io/job-name": "pi", "job-name": "pi",
        ]
        #expect(stored["spec"]["selector"] == ["matchLabels": ["batch.kubernetes.io/controller-uid": "u-1"]])
        #expect(stored["spec"]["template"]["metadata"]["labels"] == labels && stored["metadata"]["labels"] == labels)
        for (key, value) in [
            ("completions", 1), ("parallelism", 1), ("backoffLimit", 6), ("completionMode", "NonIndexed"),
            ("suspend", false), ("podReplacementPolicy", "TerminatingOrFailed"),
        ] as [(String, JSONValue)] {
            #expect(stored["spec"][key] == value, "\(key)")
        }
        #expect(JobStrategy().selectableFields(of: stored) == ["status.successful": "0"])
    }

    @Test func `template and selector of a Job can't change, placement can before it starts`() throws {
        let fixture = StrategyFixture(strategy: JobStrategy())
        let old = try #require(fixture.create(Self.job(["suspend": true])).document)
        var object = old
        object["spec"]["template"]["spec"]["nodeSelector"] = ["zone": "a"]
        #expect(fixture.update(object, from: old).document != nil)
        object["spec"]["template"]["spec"]["containers"][0]["image"] = "b"
        #expect(fixture.update(object, from: old).refusals.count == 1)
        object = old
        object["spec"]["completions"] = 2
        #expect(
            fixture.update(object, from: old).refusals == ["spec.completions: Invalid value: 2: field is immutable"])
        object = old
        object["spec"]["parallelism"] = 4
        #expect(fixture.update(object, from: old).document != nil)
    }

    @Test func `a finished Job stays finished`() {
        let fixture = StrategyFixture(strategy: JobStrategy())
        var old = Self.job()
        old["status"] = ["succeeded": 1, "conditions": [["type": "Complete", "status": "True"]]]
        var object = old
        object["status"] = ["succeeded": 0]
        #expect(
            fixture.updateStatus(object, from: old).refusals == [
                "status.conditions: Invalid value: cannot disable the terminal Complete=True condition",
                "status.succeeded: Invalid value: 0: cannot decrease the succeeded counter",
            ])
    }

    static func cronJob(_ fields: [String: JSONValue?] = [:], name: String = "nightly") -> JSONValue {
        var spec: JSONObject = [
            "schedule": "0 3 * * *", "concurrencyPolicy": "Allow",
            "jobTemplate": [
                "spec": [
                    "template": [
                        "spec": ["containers": [["name": "a", "image": "a"]], "restartPolicy": "OnFailure"]
                    ]
                ]
            ],
        ]
        for (key, value) in fields { spec[key] = value }
        return ["metadata": ["name": .string(name)], "spec": .object(spec)]
    }

    static let cronJobs: [RefusalCase] = [
        RefusalCase("good", cronJob(["timeZone": "Etc/UTC"])),
        RefusalCase("no schedule", cronJob(["schedule": ""]), "spec.schedule: Required value"),
        RefusalCase(
            "a bad schedule", cronJob(["schedule": "61 * * * *"]),
            "spec.schedule: Invalid value: \"61 * * * *\": end of range (61) above maximum (59): 61"),
        RefusalCase(
            "a zone in the schedule", cronJob(["schedule": "TZ=UTC 0 3 * * *"]),
            "spec.schedule: Invalid value: \"TZ=UTC 0 3 * * *\": cannot use TZ or CRON_TZ in schedule, use timeZone field "
                + "instead"),
        RefusalCase(
            "no such zone", cronJob(["timeZone": "Mars/Base"]),
            "spec.timeZone: Invalid value: \"Mars/Base\": unknown time zone Mars/Base"),
        RefusalCase(
            "no path upwards", cronJob(["timeZone": "../passwd"]),
            "spec.timeZone: Invalid value: \"../passwd\": unknown time zone ../passwd"),
        RefusalCase(
            "a long name", cronJob(name: String(repeating: "a", count: 53)),
            "metadata.name: Invalid value: \"\(String(repeating: "a", count: 53))\": must be no more than 52 characters"
        ),
        RefusalCase(
            "policies and a selector",
            cronJob([
                "concurrencyPolicy": "Odd",
                "jobTemplate": [
                    "spec": [
                        "selector": ["matchLabels": ["a": "b"]],
                        "template": ["spec": ["containers": [["name": "a", "image": "a"]], "restartPolicy": "Never"]],
                    ]
                ],
            ]),
            "spec.concurrencyPolicy: Unsupported value: \"Odd\": supported values: \"Allow\", \"Forbid\", \"Replace\"",
            "spec.jobTemplate.spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b\"}}: `selector` will be "
                + "auto-generated"),
    ]

    @Test(arguments: cronJobs)
    func `a CronJob is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(CronJobStrategy())
    }

    static let schedules: [(String, String?)] = [
        ("* * * * *", nil), ("*/15 0-5,22 1 jan-Mar MON", nil), ("@daily", nil), ("@every 1h30m", nil),
        ("0/5 ? * * *", nil),
        ("* * *", "expected exactly 5 fields, found 3: [* * *]"), ("@often", "unrecognized descriptor: @often"),
        ("* 5-2 * * *", "beginning of range (5) beyond end of range (2): 5-2"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"), ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax"),
        ("@every soon", "failed to parse duration @every soon: time: invalid duration \"soon\""),
    ]

    @Test(arguments: schedules)
    func `schedules are read as Kubernetes reads them`(_ text: String, _ problem: String?) {
        #expect(CronSchedule.problem(in: text) == problem)
    }

    @Test func `labels of a Job's author stay beside those that tell its Pods apart`() throws {
        var job = Self.job()
        job["spec"]["template"]["metadata"]["labels"] = ["app": "pi"]
        let stored = try #require(StrategyFixture(strategy: JobStrategy()).create(job).document)
        let labels = try #require(stored["spec"]["template"]["metadata"]["labels"]?.object)
        #expect(
            Set(labels.keys) == [
                "app", "batch.kubernetes.io/controller-uid", "controller-uid", "batch.kubernetes.io/job-name",
                "job-name",
            ])
        #expect(stored["spec"]["template"]["metadata"]["labels"]["app"] == "pi")
    }
}
