import Passwords
import Testing

@testable import ProxyEngine

@Suite("Passwords that wait to be checked") struct PasswordQueueTests {
    private final class Lane: Sendable {}

    @Test func `lanes are served in turn, each in order`() {
        let (one, two) = (Lane(), Lane())
        var queue = PasswordQueue<String>()
        for index in 0..<3 { #expect(queue.add("a\(index)", to: ObjectIdentifier(one), of: 1) == nil) }
        #expect(queue.add("b", to: ObjectIdentifier(two), of: 1) == nil)
        #expect(queue.count == 4)
        #expect((0..<5).map { _ in queue.next() } == ["a0", "b", "a1", "a2", nil])
        #expect(queue.count == 0)
    }

    @Test func `a client has a few places, a lane some, and all of them some more`() {
        let lanes = (0..<3).map { _ in Lane() }
        var queue = PasswordQueue<Int>(limits: .init(perClient: 2, perLane: 4, total: 6))
        func add(_ lane: Int, _ client: UInt64) -> PasswordQueue<Int>.Refusal? {
            queue.add(lane, to: ObjectIdentifier(lanes[lane]), of: client)
        }
        #expect(add(0, 1) == nil && add(0, 1) == nil && add(0, 1) == .ofClient)
        #expect(add(0, 2) == nil && add(0, 3) == nil && add(0, 4) == .ofAll)
        #expect(add(1, 1) == nil && add(2, 1) == nil && add(1, 5) == .ofAll)
        // Whose check was taken has its place again.
        #expect(queue.next() == 0)
        #expect(add(0, 1) == nil && add(0, 1) == .ofClient)
    }

    @Test func `a long line stays in order`() {
        let lane = Lane()
        var queue = PasswordQueue<Int>(limits: .init(perClient: 1_000, perLane: 1_000, total: 1_000))
        var taken: [Int?] = []
        for number in 0..<500 {
            _ = queue.add(number, to: ObjectIdentifier(lane), of: 1)
            if number % 2 == 0 { taken.append(queue.next()) }
        }
        while let next = queue.next() { taken.append(next) }
        #expect(taken == Array(0..<500))
    }

    @Test func `right passwords are remembered for what they were compared with, and for a while`() throws {
        var cache = CredentialCache()
        let hash = try PasswordHash(Array("$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1".utf8))
        let other = try PasswordHash(Array("$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/".utf8))
        let key = try #require(cache.key([1], hash))
        #expect(!cache.contains(key, now: 0))
        cache.insert(key, now: 5)
        #expect(cache.contains(key, now: 5 + CredentialCache.lifetimeNanoseconds - 1))
        #expect(!cache.contains(key, now: 5 + CredentialCache.lifetimeNanoseconds))
        #expect(cache.key([2], hash) != key && cache.key([1], other) != key)
        // Another loop's key is another one.
        #expect(CredentialCache().key([1], hash) != key)
        for index in 0..<20_000 {
            let bytes = [UInt8(index & 0xFF), UInt8(index >> 8)]
            cache.insert(try #require(cache.key(bytes, hash)), now: 100)
        }
        #expect(!cache.contains(key, now: 101))
    }
}
