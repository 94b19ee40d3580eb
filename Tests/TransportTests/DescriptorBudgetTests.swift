import Testing

@testable import Transport

@Suite("How descriptors are divided") struct DescriptorBudgetTests {
    @Test(arguments: [0, 64, 256, 1024, 2048, 65_536, 1 << 20])
    func `the shares and what the process needs itself never exceed the limit`(limit: Int) {
        for budget in [
            DescriptorBudget.apiServer(limit: limit), .dataPlane(limit: limit),
            .dataPlane(limit: limit, servesNames: true),
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
        #expect(server.connections(.clients) == 1248)
        #expect(server.connections(.local) == 96)
        #expect(server.connections(.upstreams) == 192)
        let node = DescriptorBudget.dataPlane(limit: 20_512)
        #expect(node.connections(.clients) == 5000)
        #expect(node.connections(.upstreams) == 5000)
        // A relayed connection has two.
        #expect(node.descriptors(.relays) == 10_000)
        #expect(node.connections(.relays) == 5000)
        #expect(node.descriptors(.names) == 0)
    }

    @Test func `DNS has an eighth where it is served, of the relay's part`() {
        let node = DescriptorBudget.dataPlane(limit: 20_512, servesNames: true)
        #expect(node.connections(.clients) == 5000)
        #expect(node.connections(.upstreams) == 5000)
        #expect(node.descriptors(.relays) == 7500)
        #expect(node.descriptors(.names) == 2500)
    }

    @Test func `a share is never exceeded, and what is given back can be taken again`() {
        let share = DescriptorShare(limit: 3)
        #expect(share.take(2) && !share.take(2) && share.take(1) && !share.take(1))
        #expect(share.count == 3)
        share.give(2)
        #expect(share.take(2))
        #expect(!DescriptorShare(limit: -1).take(1))
    }

    @Test func `raising the limit never lowers it`() {
        let before = DescriptorLimit.current
        #expect(DescriptorLimit.raise() >= before)
        #expect(DescriptorLimit.current >= before)
    }
}
