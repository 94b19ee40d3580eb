import Testing

@testable import Transport

@Suite("How descriptors are divided") struct DescriptorBudgetTests {
    @Test(arguments: [0, 64, 256, 1024, 2048, 65_536, 1 << 20])
    func `the shares and what the process needs itself never exceed the limit`(limit: Int) {
        for budget in [
            DescriptorBudget.apiServer(limit: limit), .dataPlane(limit: limit),
            DescriptorBudget(limit: limit, weights: [:]),
        ] {
            let shares = DescriptorBudget.Use.allCases.map(budget.descriptors)
            #expect(shares.allSatisfy { $0 >= 0 })
            #expect(shares.reduce(budget.own, +) <= budget.limit)
            #expect(budget.own >= 16)
        }
    }

    @Test func `an API server keeps places for the unix socket, and a data plane for upstreams and the relay`() {
        let server = DescriptorBudget.apiServer(limit: 2048)
        #expect(server.own == 512)
        #expect(server.connections(.clients) == 1440)
        #expect(server.connections(.local) == 96)
        #expect(server.connections(.upstreams) == 0)
        let node = DescriptorBudget.dataPlane(limit: 20_512)
        #expect(node.connections(.clients) == 5000)
        #expect(node.connections(.upstreams) == 5000)
        // A relayed connection has two.
        #expect(node.descriptors(.relays) == 10_000)
        #expect(node.connections(.relays) == 5000)
    }

    @Test func `raising the limit never lowers it`() {
        let before = DescriptorLimit.current
        #expect(DescriptorLimit.raise() >= before)
        #expect(DescriptorLimit.current >= before)
    }
}
