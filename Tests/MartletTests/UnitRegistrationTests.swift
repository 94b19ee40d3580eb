import ArgumentParser
import KubeModel
import NetworkTypes
import Testing

@testable import martlet

@Suite("What martlet register writes") struct UnitRegistrationTests {
    @Test func `a unit becomes a Pod of its node`() throws {
        var registration = UnitRegistration(
            unit: "shop@1.service", node: "web1.example", labels: ["app": "shop"],
            ports: try ["http=8080", "53/udp"].map { try #require(UnitRegistration.ServedPort($0)) },
            addresses: [IPAddress("192.0.2.1")!, IPAddress("2001:db8::1")!])
        let document = registration.document
        #expect(document["metadata"]["name"] == "shop-1-web1.example")
        #expect(document["metadata"]["labels"] == ["app": "shop"])
        #expect(
            document["metadata"]["annotations"] == [
                "traffic.martlet.dev/unit": "shop@1.service", "traffic.martlet.dev/address": "192.0.2.1,2001:db8::1",
            ])
        #expect(document["spec"]["nodeName"] == "web1.example")
        let container = try #require(document["spec"]["containers"].array?.first)
        #expect(container["name"] == "shop-1")
        #expect(
            container["ports"] == [
                ["containerPort": 8080, "protocol": "TCP", "name": "http"], ["containerPort": 53, "protocol": "UDP"],
            ])
        #expect(container["readinessProbe"] == ["tcpSocket": ["port": 8080], "periodSeconds": 2])
        registration.probePath = "/healthz"
        #expect(
            registration.document["spec"]["containers"].array?.first?["readinessProbe"] == [
                "httpGet": ["path": "/healthz", "port": 8080], "periodSeconds": 2,
            ])
        registration.ports.removeFirst()
        registration.labels = [:]
        #expect(
            registration.document["spec"]["containers"].array?.first?["readinessProbe"] == nil, "nothing to connect to")
        #expect(registration.document["metadata"]["labels"] == ["app": "shop-1"])
    }

    @Test(arguments: ["", "0", "65536", "x=", "=", "http=", "8080/", "8080/ICMP", "a=1=2", "1/tcp/udp", "-1"])
    func `what is no port`(text: String) { #expect(UnitRegistration.ServedPort(text) == nil) }

    @Test(arguments: [
        (["--unit", "shop", "--port", "1"], "--unit: \"shop\" is not the name of a unit"),
        (["--unit", "shop@.service", "--port", "1"], "--unit: \"shop@.service\" is not"),
        (["--unit", "a.service"], "--port: at least one"), (["--unit", "a.service", "--port", "x"], "--port: \"x\""),
        (["--unit", "a.service", "--port", "1", "--label", "a"], "--label: \"a\""),
        (["--unit", "a.service", "--port", "1", "--label", "a=b c"], "--label"),
        (["--unit", "a.service", "--port", "1", "--address", "here"], "--address: \"here\""),
        (
            ["--unit", "a.service", "--port", "1", "--address", "1.1.1.1", "--address", "1.1.1.2"],
            "--address: one of each"
        ),
        (["--unit", "a.service", "--port", "1", "--node", "A B"], "--node: \"A B\""),
        (["--unit", "a.service", "--port", "1", "--name", "A"], "--name: \"A\""),
        (["--unit", "a.service", "--port", "1", "--namespace", "a.b"], "--namespace: \"a.b\""),
        (["--unit", "a.service", "--port", "1", "--probe-path", "x"], "--probe-path: \"x\""),
        (["--unit", "a.service", "--port", "1", "--probe-period", "0"], "--probe-period"),
    ])
    func `bad flags are named`(flags: [String], message: String) {
        do {
            _ = try Martlet.parseAsRoot(["register"] + flags)
            Issue.record("\(flags) is taken")
        } catch {
            #expect(Martlet.message(for: error).contains(message), "\(Martlet.message(for: error))")
        }
    }
}
