import Testing

@testable import ProxyEngine

@Suite("Slots of the slab") struct SlabTests {
    private enum Kind {}

    @Test func `a handle ends with its tenant and does not name the next one`() {
        var slab = Slab<Kind, Int>(blank: 7)
        let first = slab.take()
        #expect(first.pointee == 7)
        first.pointee = 1
        slab.release(first)
        #expect(!first.isLive)
        #expect(slab.resolve(first.handle) == nil)
        let second = slab.take()
        #expect(second.handle.index == first.handle.index)
        #expect(second.pointee == 7)
        #expect(!first.isLive)
        #expect(slab.resolve(first.handle) == nil)
        #expect(slab.resolve(second.handle) != nil)
        #expect(slab.count == 1)
    }

    @Test func `slots do not move while the slab grows`() {
        var slab = Slab<Kind, Int>(blank: 0)
        let references = (0..<5_000).map { number in
            let reference = slab.take()
            reference.pointee = number
            return reference
        }
        #expect(references.map(\.pointee) == Array(0..<5_000))
        #expect(Set(references.map(\.handle)).count == 5_000)
        #expect(slab.tenant(at: references[70].handle.index)?.pointee == 70)
        for reference in references { slab.release(reference) }
        #expect(slab.count == 0)
        #expect((0..<slab.indexBound).allSatisfy { slab.tenant(at: $0) == nil })
    }

    @Test func `a handle survives the way through an event's token`() {
        for handle in [
            Handle<Kind>(index: 0, generation: 1), Handle(index: 123_456, generation: 0x3FFF_FFFF),
            Handle(index: .max, generation: 0x2AAA_AAAB),
        ] {
            let token = ProxyCore.token(.upstream, handle)
            #expect(token & 1 == ProxyCore.Side.upstream.rawValue)
            #expect(Handle<Kind>(packed: token >> 1) == handle)
        }
        #expect(Slab<Kind, Int>(blank: 0).resolve(.none) == nil)
    }
}
