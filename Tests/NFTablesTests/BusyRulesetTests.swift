import Foundation
import Glibc
import NFTables
import Netlink
import Synchronization
import TestSupport
import Testing

@Suite(
    "A kernel that others keep busy is listed and changed all the same", .serialized,
    .enabled { PrivateNamespace.isAvailable })
struct BusyRulesetTests {
    private static let table = NFTable(.inet, "martlet-test")

    private static func element(_ number: UInt32) -> NFElement { NFElement(NFValue().appending(number)) }

    /// Changes a table of its own in the same namespace until it is let go, as fast as the kernel takes it.
    private final class Neighbour: Sendable {
        private let isOver = Atomic(false)
        private let ended = DispatchSemaphore(value: 0)
        let count = Atomic(0)

        /// Called by a thread of the namespace: threads that it starts are in there too.
        init() {
            let thread = Thread { [self] in
                let table = NFTable(.ipv4, "neighbour")
                let ruleset = try? KernelRuleset()
                while !isOver.load(ordering: .relaxed) {
                    try? ruleset?.commit(
                        NFTransaction(table, [.addTable, .addSet(NFSet("s", key: .port)), .deleteTable]), expecting: nil
                    )
                    count.add(1, ordering: .relaxed)
                }
                ended.signal()
            }
            thread.start()
        }

        func end() {
            isOver.store(true, ordering: .relaxed)
            ended.wait()
        }
    }

    /// Sends signals to a thread until it is let go.
    private final class Bell: Sendable {
        private let isOver = Atomic(false)
        private let ended = DispatchSemaphore(value: 0)

        init(for thread: pthread_t) {
            Thread { [self] in
                while !isOver.load(ordering: .relaxed) {
                    pthread_kill(thread, SIGUSR2)
                    usleep(50)
                }
                ended.signal()
            }.start()
        }

        func end() {
            isOver.store(true, ordering: .relaxed)
            ended.wait()
        }
    }

    @Test func `transactions take effect once each, and listings have them all`() throws {
        try PrivateNamespace.run {
            let ruleset = try KernelRuleset()
            try ruleset.commit(
                NFTransaction(Self.table, [.addTable, .addSet(NFSet("keys", key: .ipv4Address))]), expecting: nil)
            let neighbour = Neighbour()
            defer { neighbour.end() }
            while neighbour.count.load(ordering: .relaxed) == 0 { sched_yield() }
            var (late, known) = (0, 0)
            // Thousands: a listing of them takes several answers, between which others come.
            for round in 0..<8 {
                let new = (0..<500).map { Self.element(UInt32(round * 500 + $0)) }
                let transaction = NFTransaction(Self.table, [.addElements(set: "keys", new)])
                let listing = try #require(try ruleset.listing(of: Self.table, leavingOut: []))
                #expect(Set((listing.elements["keys"] ?? []).map(\.key)).count == known)
                do throws(NFTablesError) {
                    try ruleset.commit(transaction, expecting: listing.generation)
                } catch {
                    // Nothing of it has happened, so that it can be said again.
                    #expect(error == .generationChanged && error.isPassing)
                    late += 1
                    try ruleset.commit(transaction, expecting: nil)
                }
                known += new.count
            }
            print(
                "\(late) of 8 transactions came after another one; others made \(neighbour.count.load(ordering: .relaxed))"
            )
            let listing = try #require(try ruleset.listing(of: Self.table, leavingOut: []))
            #expect(
                Set((listing.elements["keys"] ?? []).map(\.key))
                    == Set((0..<UInt32(known)).map { Self.element($0).key }))
            #expect(try ruleset.tables().contains(Self.table))
        }
    }

    @Test func `more elements than a message and the socket's buffer hold are one transaction, up to a limit`() throws {
        try PrivateNamespace.run {
            let ruleset = try KernelRuleset(longestTransaction: 500_000)
            let elements = (0..<60_000).map { Self.element($0) }
            func add(_ count: Int) -> NFTransaction {
                NFTransaction(
                    Self.table,
                    [
                        .addTable, .addSet(NFSet("keys", key: .ipv4Address)),
                        .addElements(set: "keys", Array(elements.prefix(count))),
                    ])
            }
            let before = try ruleset.generation()
            do throws(NFTablesError) {
                try ruleset.commit(add(60_000), expecting: nil)
                Issue.record("it is longer than the limit")
            } catch {
                guard case .tooLong(let bytes) = error else {
                    Issue.record("\(error)")
                    return
                }
                #expect(bytes > 500_000)
            }
            // Nothing of it was sent.
            #expect(try ruleset.generation() == before)
            try ruleset.commit(add(20_000), expecting: before)
            #expect(try ruleset.listing(of: Self.table, leavingOut: [])?.elements["keys"]?.count == 20_000)
            // Cut up, in order, all of it goes in.
            let pieces = add(60_000).pieces(elements: 20_000)
            #expect(pieces.count == 3)
            for piece in pieces { try ruleset.commit(piece, expecting: nil) }
            #expect(try ruleset.listing(of: Self.table, leavingOut: [])?.elements["keys"]?.count == 60_000)
        }
    }

    @Test func `of more refusals than its socket holds the first ones are told`() throws {
        try PrivateNamespace.run {
            let ruleset = try KernelRuleset(receiveBuffer: 8 << 10)
            try ruleset.commit(NFTransaction(Self.table, [.addTable]), expecting: nil)
            let operations = (0..<2000).map { NFTransaction.Operation.deleteSet("nosuchset\($0)") }
            do throws(NFTablesError) {
                try ruleset.commit(NFTransaction(Self.table, operations), expecting: nil)
                Issue.record("nothing was refused")
            } catch {
                guard case .refused(let refusals) = error else {
                    Issue.record("\(error)")
                    return
                }
                #expect(refusals.first?.operation == 0 && refusals.count < operations.count)
                #expect(refusals.allSatisfy { $0.cause.number == ENOENT })
            }
            // The socket serves on.
            try ruleset.commit(NFTransaction(Self.table, [.addSet(NFSet("keys", key: .port))]), expecting: nil)
            #expect(try ruleset.listing(of: Self.table, leavingOut: [])?.sets.count == 1)
        }
    }

    @Test func `a signal interrupts nobody who waits for the kernel`() throws {
        try PrivateNamespace.run {
            // Without SA_RESTART: system calls end with EINTR.
            var action = sigaction()
            var before = sigaction()
            action.__sigaction_handler.sa_handler = { _ in }
            sigaction(SIGUSR2, &action, &before)
            defer { sigaction(SIGUSR2, &before, nil) }
            let bell = Bell(for: pthread_self())
            defer { bell.end() }
            let ruleset = try KernelRuleset()
            for round in 0..<50 {
                let set = "keys\(round)"
                try ruleset.commit(
                    NFTransaction(
                        Self.table,
                        [
                            .addTable, .addSet(NFSet(set, key: .ipv4Address)),
                            .addElements(set: set, (0..<2000).map { Self.element($0) }),
                        ]), expecting: nil)
            }
            let listing = try #require(try ruleset.listing(of: Self.table, leavingOut: []))
            #expect(listing.elements.count == 50 && listing.elements.values.allSatisfy { $0.count == 2000 })
        }
    }
}
