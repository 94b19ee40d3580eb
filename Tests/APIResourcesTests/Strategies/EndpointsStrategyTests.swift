import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of Endpoints") struct EndpointsStrategyTests {
    static func endpoints(_ subset: JSONValue) -> JSONValue { ["metadata": ["name": "web"], "subsets": [subset]] }

    static let cases: [RefusalCase] = [
        RefusalCase("good", endpoints(["addresses": [["ip": "10.0.0.1"]], "ports": [["port": 80]]])),
        RefusalCase(
            "nothing", endpoints([:]), "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"),
        RefusalCase(
            "bad addresses",
            endpoints([
                "addresses": [["ip": "a", "hostname": "H"]],
                "notReadyAddresses": [["ip": "127.0.0.1", "nodeName": "n_"]],
            ]), "subsets[0].addresses[0].ip: Invalid value: \"a\": \(Wording.address)",
            "subsets[0].addresses[0].hostname: Invalid value: \"H\": \(Wording.label)",
            "subsets[0].notReadyAddresses[0].ip: Invalid value: \"127.0.0.1\": may not be in the loopback range "
                + "(127.0.0.0/8, ::1/128)",
            "subsets[0].notReadyAddresses[0].nodeName: Invalid value: \"n_\": \(Wording.subdomain)"),
        RefusalCase(
            "bad ports",
            endpoints(["addresses": [["ip": "10.0.0.1"]], "ports": [["port": 0], ["name": "a", "port": 1]]]),
            "subsets[0].ports[0].name: Required value", "subsets[0].ports[0].port: Invalid value: 0: \(Wording.port)"),
    ]

    @Test(arguments: cases)
    func `Endpoints are refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(EndpointsStrategy(addressRule: EndpointAddressRule(allowsLoopback: false)))
    }
}
