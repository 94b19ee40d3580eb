import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of HealthChecks") struct HealthCheckStrategyTests {
    static func check(_ fields: JSONValue, targets: JSONValue = [["name": "web"]]) -> JSONValue {
        var object: JSONValue = ["metadata": ["name": "h"], "spec": fields]
        object["spec"]["targetRefs"] = targets
        return object
    }

    static let cases: [RefusalCase] = [
        RefusalCase(
            "good",
            check([
                "httpGet": [
                    "port": "http", "path": "/live?deep=1", "host": "shop.example",
                    "httpHeaders": [["name": "X-Check", "value": "a b"]],
                ], "periodSeconds": 5, "timeoutSeconds": 5,
            ])),
        RefusalCase("good, by a Service port's name", check(["tcpSocket": ["port": "metrics-for-prometheus"]])),
        RefusalCase(
            "a number in quotes", check(["tcpSocket": ["port": "8080"]]),
            "spec.tcpSocket.port: Invalid value: \"8080\": must contain at least one letter; a number stands without "
                + "quotes"),
        RefusalCase("good TCP", check(["tcpSocket": ["port": 5432]])),
        RefusalCase("good gRPC", check(["grpc": ["port": 50051, "service": "shop.Cart"]])),
        RefusalCase(
            "no handler", check([:]), "spec: Required value: must specify one of httpGet, tcpSocket, grpc"),
        RefusalCase(
            "two handlers", check(["tcpSocket": ["port": 1], "grpc": ["port": 1]]),
            "spec.grpc: Forbidden: may not be given beside tcpSocket"),
        RefusalCase(
            "a port that is none", check(["tcpSocket": ["port": 70_000]]),
            "spec.tcpSocket.port: Invalid value: 70000: must be between 1 and 65535, inclusive"),
        RefusalCase(
            "a timeout beyond the period",
            check(["tcpSocket": ["port": 1], "periodSeconds": 2, "timeoutSeconds": 3]),
            "spec.timeoutSeconds: Invalid value: 3: must not be more than periodSeconds (2)"),
        RefusalCase(
            "what would end the line",
            check([
                "httpGet": [
                    "port": 80, "path": "/ HTTP/1.1",
                    "httpHeaders": [
                        ["name": "Host", "value": "a"], ["name": "X", "value": "a\r\nB: c"],
                        ["name": "Transfer-Encoding", "value": "chunked"],
                    ],
                ]
            ]),
            "spec.httpGet.path: Invalid value: \"/ HTTP/1.1\": must begin with / and have no spaces, control characters "
                + "or bytes beyond ASCII",
            "spec.httpGet.httpHeaders[0].name: Invalid value: \"Host\": is what the field host is for",
            "spec.httpGet.httpHeaders[1].value: Invalid value: \"a\\r\\nB: c\": may not have control characters",
            "spec.httpGet.httpHeaders[2].name: Invalid value: \"Transfer-Encoding\": is said by the check itself"),
    ]

    @Test(arguments: cases)
    func `a HealthCheck is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(HealthCheckStrategy())
    }
}
