import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of RouteTables") struct RouteTableStrategyTests {
    static let backend: JSONValue = ["serviceName": "web", "port": ["number": 80]]

    static func patterns(_ path: String, target: String?) -> JSONObject {
        var spec: JSONObject = [
            "pathPatterns": true,
            "rules": [
                [
                    "host": "a.example.com",
                    "paths": [["path": .string(path), "pathType": "Prefix", "backend": backend]],
                ]
            ],
        ]
        if let target { spec["rewrite"] = ["target": .string(target)] }
        return spec
    }

    static func table(_ spec: JSONObject) -> JSONValue {
        var spec = spec
        if spec["controllerName"] == nil { spec["controllerName"] = "martlet.dev/ingress" }
        return ["metadata": ["name": "t"], "spec": .object(spec)]
    }

    static let cases: [RefusalCase] = [
        RefusalCase(
            "good",
            table([
                "ingressClassName": "shop",
                "rules": [
                    [
                        "host": "*.example.com",
                        "paths": [["path": "/", "pathType": "Prefix", "backend": backend]],
                    ]
                ], "defaultBackend": ["serviceName": "web", "port": ["name": "http"]],
                "tls": [["hosts": ["a.example.com"], "secretName": "tls"]],
            ])),
        RefusalCase(
            "good words about hosts", table(["hostSettings": ["aliases": ["a.com", "*.b.com"], "appRoot": "/x"]])),
        RefusalCase(
            "bad words about hosts", table(["hostSettings": ["aliases": ["a.com", "10.0.0.1"], "appRoot": "x"]]),
            #"spec.hostSettings.aliases[1]: Invalid value: "10.0.0.1": must be a DNS name, not an IP address"#,
            #"spec.hostSettings.appRoot: Invalid value: "x": is no path that begins with a slash, without variables"#),
        RefusalCase(
            "good passwords",
            table(["filters": ["basicAuthentication": ["secretName": "users", "realm": "a b"], "satisfy": "any"]])),
        RefusalCase(
            "no passwords", table(["filters": ["basicAuthentication": ["secretName": ""]]]),
            "spec.filters.basicAuthentication.secretName: Required value"),
        RefusalCase(
            "a good service to ask",
            table([
                "filters": [
                    "externalAuthentication": [
                        "url": "https://$host/auth", "signIn": "https://$host/start?rd=$escaped_request_uri",
                        "responseHeaders": ["X-User", "Authorization"], "requestRedirect": "https://$host$request_uri",
                    ]
                ]
            ])),
        RefusalCase(
            "a bad service to ask",
            table([
                "filters": [
                    "externalAuthentication": [
                        "url": "ftp://a", "signIn": "/login", "responseHeaders": ["Host"], "requestRedirect": "$x",
                    ]
                ]
            ]),
            #"spec.filters.externalAuthentication.url: Invalid value: "ftp://a": is no absolute URL of http or https"#,
            #"spec.filters.externalAuthentication.signIn: Invalid value: "/login": is no absolute URL of http or https"#,
            #"spec.filters.externalAuthentication.requestRedirect: Invalid value: "$x": has the variable $x, which is "#
                + "not known",
            #"spec.filters.externalAuthentication.responseHeaders[0]: Invalid value: "Host": must be the name of a "#
                + "field, of letters, digits and hyphens, that is not the proxy's own"),
        RefusalCase("no controller", table(["controllerName": ""]), "spec.controllerName: Required value"),
        RefusalCase(
            "bad routes",
            table([
                "rules": [
                    [
                        "host": "10.0.0.1",
                        "paths": [["path": "/a//b", "pathType": "ImplementationSpecific", "backend": [:]]],
                    ], ["paths": [["path": "/a//b", "pathType": "Exact", "backend": backend]]],
                ]
            ]), "spec.rules[0].host: Invalid value: \"10.0.0.1\": must be a DNS name, not an IP address",
            "spec.rules[0].paths[0].pathType: Unsupported value: \"ImplementationSpecific\": supported values: "
                + "\"Exact\", "
                + "\"Prefix\"", "spec.rules[0].paths[0].backend.serviceName: Required value",
            "spec.rules[0].paths[0].backend: Required value: port name or number is required",
            "spec.rules[1].paths[0].path: Invalid value: \"/a//b\": must not contain '//'"),
        RefusalCase(
            "filters",
            table([
                "filters": [
                    "redirect": ["location": "https://example.com$request_uri", "status": 301],
                    "sources": ["allow": ["10.0.0.0/8", "::1"], "deny": ["10.1.2.3"]],
                ]
            ])),
        RefusalCase(
            "filters that cannot be",
            table([
                "filters": [
                    "redirect": ["location": "/elsewhere", "status": 301],
                    "sources": ["allow": ["10.0.0.0/33"], "deny": ["::1", "example.com"]],
                ]
            ]),
            "spec.filters.redirect.location: Invalid value: \"/elsewhere\": must be an absolute URL of http or https, with no"
                + " variables but $request_uri, $uri, $args, $is_args, $host and $scheme, each no more than once",
            "spec.filters.sources.allow[0]: Invalid value: \"10.0.0.0/33\": must be an IP address or a network in CIDR"
                + " notation, such as 192.0.2.0/24",
            "spec.filters.sources.deny[1]: Invalid value: \"example.com\": must be an IP address or a network in CIDR"
                + " notation, such as 192.0.2.0/24"),
        RefusalCase("patterns", table(patterns("/a/(.*)", target: "/$1?x=$1"))),
        RefusalCase(
            "a pattern that is none", table(patterns("/a/(?!x)", target: nil)),
            "spec.rules[0].paths[0].path: Invalid value: \"/a/(?!x)\": has a look ahead, which regular expressions in linear "
                + "time do not have"),
        RefusalCase(
            "a target that is none", table(patterns("/a", target: "/$host")),
            "spec.rewrite.target: Invalid value: \"/$host\": has a variable other than $1 to $9"),
        RefusalCase("a key", table(["defaultBackend": hashed(by: "$request_uri", "consistent-hash")])),
        RefusalCase(
            "a key that is not known", table(["defaultBackend": hashed(by: "$nope", "consistent-hash")]),
            "spec.defaultBackend.policy.hashBy: Invalid value: \"$nope\": has the variable $nope, which is not known"),
        RefusalCase(
            "a key for nothing", table(["defaultBackend": hashed(by: "$uri", "peak-ewma")]),
            "spec.defaultBackend.policy.hashBy: Invalid value: \"$uri\": may only be set when balancing is consistent-hash"
        ),
        RefusalCase(
            "TLS with a backend",
            table([
                "defaultBackend": secured([
                    "verify": true, "secretName": "ca", "serverName": "a.example", "ciphers": "ECDHE+AESGCM:!aNULL",
                ])
            ])),
        RefusalCase(
            "TLS with a backend that cannot be",
            table(["defaultBackend": secured(["secretName": "a/b", "serverName": "a b", "ciphers": "x; y"])]),
            "spec.defaultBackend.policy.tls.secretName: Invalid value: \"a/b\": "
                + Validation.dns1123Subdomain("a/b").joined(separator: ", "),
            "spec.defaultBackend.policy.tls.serverName: Invalid value: \"a b\": "
                + Validation.dns1123Subdomain("a b").joined(separator: ", "),
            "spec.defaultBackend.policy.tls.ciphers: Invalid value: \"x; y\": must consist of letters, digits and :+-_!@="
        ),
        RefusalCase(
            "certificates of clients",
            table([
                "clientCertificates": [
                    "secretName": "ca", "mode": "optional", "errorPage": "https://a.example/x",
                    "subjectPattern": "CN=a",
                ]
            ])),
        RefusalCase(
            "certificates of clients that cannot be",
            table(["clientCertificates": ["errorPage": "/x", "subjectPattern": "("]]),
            "spec.clientCertificates.secretName: Required value",
            "spec.clientCertificates.errorPage: Invalid value: \"/x\": must be an absolute URL of http or https",
            "spec.clientCertificates.subjectPattern: Invalid value: \"(\": is no regular expression: missing closing ): `(`"
        ),
        RefusalCase(
            "a canary",
            table(["canary": ["header": "X-New", "headerPattern": "^b+$", "cookie": "new", "weight": 3]])),
        RefusalCase(
            "a canary that cannot be",
            table([
                "canary": ["headerValue": "x", "headerPattern": "(?=a)"],
                "defaultBackend": ["serviceName": "web", "port": ["number": 80]],
                "tls": [["hosts": ["a.example.com"], "secretName": "tls"]],
            ]), "spec.canary.headerValue: Forbidden: may only be set together with header",
            "spec.canary.headerPattern: Forbidden: may only be set together with header",
            "spec.canary.headerPattern: Invalid value: \"(?=a)\": is no regular expression: "
                + "invalid or unsupported Perl syntax: `(?=`",
            "spec.defaultBackend: Forbidden: may not be set in a canary",
            "spec.tls: Forbidden: may not be set in a canary"),
    ]

    private static func secured(_ tls: JSONValue) -> JSONValue {
        ["serviceName": "web", "port": ["number": 80], "policy": ["tls": tls]]
    }

    private static func hashed(by key: String, _ balancing: String) -> JSONValue {
        [
            "serviceName": "web", "port": ["number": 80],
            "policy": ["balancing": .string(balancing), "hashBy": .string(key)],
        ]
    }

    @Test(arguments: cases)
    func `a RouteTable is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(RouteTableStrategy())
    }
}
