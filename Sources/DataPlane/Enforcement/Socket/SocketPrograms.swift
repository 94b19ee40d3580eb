import BPF

/// The programs that lead sockets to endpoints. Written here rather than in C: no compiler and no object files at build
/// time, and what a machine needs (its own namespace's number) is a constant of its program.
///
/// All eight share their parts; they differ in where an address stands in the context, and in what they remember:
/// - `connect`: chooses, writes the endpoint over the Service's address, and notes both in the socket.
/// - `send`: the same for a datagram; a socket's datagrams to one address go to one endpoint as long as that serves.
/// - `receive`, `peerName`: put the Service's address back.
///
/// Whatever cannot be judged or is not found is left as it is: the rules of the kernel mode then see the Service's address.
struct SocketPrograms {
    /// The number of the machine's own network namespace.
    let host: UInt64
    /// What sockets are marked with that are led and have no mark; nil for nothing.
    var mark: UInt32?
    /// Whether UDP that connects is led. It keeps what it was connected to, so only where somebody ends such sockets.
    var leadsConnectedDatagrams = true

    var all: [BPFProgram] { BPFHook.allCases.map(program) }

    func program(_ hook: BPFHook) -> BPFProgram {
        var text = Text(hook: hook, host: host, mark: mark)
        switch hook {
        case .connect4, .connect6: text.connect(withDatagrams: leadsConnectedDatagrams)
        case .send4, .send6: text.send()
        case .receive4, .receive6: text.receive()
        case .peerName4, .peerName6: text.tellPeer()
        }
        return text.program
    }

    /// Where things are on the stack, as distances from its end.
    private enum Place {
        /// 20 bytes: what `frontends` is asked for.
        static let frontend: Int16 = -24
        /// 8 bytes: of `endpoints`.
        static let slot: Int16 = -32
        /// 16 bytes: of `sessions`.
        static let session: Int16 = -48
        /// 24 bytes: of `members`.
        static let member: Int16 = -72
        /// 32 bytes: a session, or (20 of them) an endpoint.
        static let value: Int16 = -104
        /// 32 bytes: of `flows` and `senders`.
        static let flow: Int16 = -136
        /// 20 bytes: the endpoint that was chosen.
        static let chosen: Int16 = -160
        /// 40 bytes: of `connected`.
        static let belief: Int16 = -200
    }

    private struct Text {
        let hook: BPFHook
        let host: UInt64
        let mark: UInt32?
        var program: BPFProgram

        let leave = BPFLabel("leave")
        let rewrite = BPFLabel("rewrite")
        let choose = BPFLabel("choose")
        let chosen = BPFLabel("chosen")

        init(hook: BPFHook, host: UInt64, mark: UInt32?) {
            self.hook = hook
            self.host = host
            self.mark = mark
            program = BPFProgram("martlet_\(hook)", hook)
        }

        // MARK: The programs

        mutating func connect(withDatagrams: Bool) {
            let stream = BPFLabel("a stream leaves")
            begin()
            findFrontend()
            checkDatagrams(withDatagrams)
            checkNamespace()
            checkBinding()
            choosing()
            noteDatagrams()
            program.remark("note in the socket")
            callStorage(create: true)
            program.jump(leave, if: .r0, .equal, 0)
            copyStack(Place.chosen, 20, to: .r0, 0)
            copyStack(Place.frontend, 18, to: .r0, 20)
            program.store(.half, 0, to: .r0, 38)
            if let mark { setMark(mark, where: 0) }
            writeAddress(Place.chosen)
            program.finish(1)
            program.place(leave)
            program.remark("forget what the socket was connected to")
            map(SocketMaps.peers, .r1)
            program.load(.double, .r2, from: .r6, SocketCallField.socket)
            program.call(.deleteSocketStorage)
            if let mark { setMark(0, where: mark) }
            program.load(.byte, .r1, from: .stack, Place.frontend + 18)
            program.jump(stream, if: .r1, .unequal, 17)
            putCookie()
            map(SocketMaps.connected, .r1)
            program.point(.r2, toStack: Place.session)
            program.call(.delete)
            program.place(stream)
            program.finish(1)
        }

        mutating func send() {
            let (fresh, write) = (BPFLabel("fresh"), BPFLabel("write"))
            begin()
            findFrontend()
            checkNamespace()
            checkBinding()
            program.remark("the endpoint that the socket's datagrams to this address go to")
            putFlow(Place.frontend)
            lookUp(SocketMaps.flows, Place.flow)
            program.jump(choose, if: .r0, .equal, 0)
            copyToStack(.r0, 0, Place.chosen, 20)
            checkMember(otherwise: choose)
            program.jump(rewrite)
            program.place(choose)
            choosing()
            program.remark("remember the way there and the way back")
            putFlow(Place.frontend)
            update(SocketMaps.flows, Place.flow, Place.chosen)
            program.jump(leave, if: .r0, .unequal, 0)
            program.place(rewrite)
            program.remark("whom the socket takes answers of this endpoint for")
            putFlow(Place.chosen)
            lookUp(SocketMaps.senders, Place.flow)
            program.jump(fresh, if: .r0, .equal, 0)
            // Of another Service: nobody could tell their answers apart. The rules can, by another source port.
            comparePeer(otherwise: leave)
            program.jump(write)
            program.place(fresh)
            copyOnStack(Place.frontend, 18, to: Place.value)
            program.store(.half, 0, to: .stack, Place.value + 18)
            update(SocketMaps.senders, Place.flow, Place.value)
            program.jump(leave, if: .r0, .unequal, 0)
            program.place(write)
            writeAddress(Place.chosen)
            program.place(leave)
            program.finish(1)
        }

        mutating func receive() {
            let senders = BPFLabel("senders")
            begin()
            program.remark("what the socket is connected to")
            callStorage(create: false)
            program.jump(senders, if: .r0, .equal, 0)
            comparePeer(otherwise: senders)
            copyToStack(.r0, 20, Place.chosen, 20)
            writeAddress(Place.chosen)
            program.finish(1)
            program.place(senders)
            program.remark("whom the socket sent to")
            putFlow(Place.frontend)
            lookUp(SocketMaps.senders, Place.flow)
            program.jump(leave, if: .r0, .equal, 0)
            copyToStack(.r0, 0, Place.chosen, 20)
            writeAddress(Place.chosen)
            program.place(leave)
            program.finish(1)
        }

        mutating func tellPeer() {
            begin()
            program.remark("what the socket is connected to")
            callStorage(create: false)
            program.jump(leave, if: .r0, .equal, 0)
            comparePeer(otherwise: leave)
            copyToStack(.r0, 20, Place.chosen, 20)
            writeAddress(Place.chosen)
            program.place(leave)
            program.finish(1)
        }

        // MARK: Parts

        /// The context goes into r6, address, port and transport of the call onto the stack.
        private mutating func begin() {
            let known = BPFLabel("known transport")
            program.remark("address, port and transport")
            program.move(.r6, .r1)
            program.load(.word, .r2, from: .r6, SocketCallField.transport)
            program.jump(known, if: .r2, .equal, 6)
            program.jump(known, if: .r2, .equal, 17)
            program.finish(1)
            program.place(known)
            if hook.isIPv6 {
                for word in 0..<Int16(4) {
                    program.load(.word, .r1, from: .r6, SocketCallField.address6 + 4 * word)
                    program.store(.word, .r1, to: .stack, Place.frontend + 4 * word)
                }
            } else {
                program.store(.word, 0, to: .stack, Place.frontend)
                program.store(.word, 0, to: .stack, Place.frontend + 4)
                program.store(.half, 0, to: .stack, Place.frontend + 8)
                program.store(.half, -1, to: .stack, Place.frontend + 10)
                program.load(.word, .r1, from: .r6, SocketCallField.address4)
                program.store(.word, .r1, to: .stack, Place.frontend + 12)
            }
            program.load(.word, .r1, from: .r6, SocketCallField.port)
            program.store(.half, .r1, to: .stack, Place.frontend + 16)
            program.store(.byte, .r2, to: .stack, Place.frontend + 18)
            program.store(.byte, 0, to: .stack, Place.frontend + 19)
        }

        /// The value goes into r7.
        private mutating func findFrontend() {
            program.remark("whether that is an address of a Service")
            lookUp(SocketMaps.frontends, Place.frontend)
            program.jump(leave, if: .r0, .equal, 0)
            program.move(.r7, .r0)
        }

        /// UDP that connects is led in this machine's own network namespace: sockets of others cannot be ended from here when
        /// their endpoint goes, and the rules move their flows.
        private mutating func checkDatagrams(_ areLed: Bool) {
            let stream = BPFLabel("a stream")
            program.remark("whether it would keep an endpoint that is gone")
            program.load(.byte, .r1, from: .stack, Place.frontend + 18)
            program.jump(stream, if: .r1, .unequal, 17)
            if areLed {
                program.move(.r1, .r6)
                program.call(.namespaceCookie)
                program.append(.constant(.r1, host))
                program.jump(leave, if: .r0, .unequal, .r1)
            } else {
                program.jump(leave)
            }
            program.place(stream)
        }

        /// UDP that connects is noted where whoever ends such sockets looks; where there is no room it is not led.
        private mutating func noteDatagrams() {
            let stream = BPFLabel("a stream is led")
            program.remark("note for whoever ends it")
            program.load(.byte, .r1, from: .stack, Place.frontend + 18)
            program.jump(stream, if: .r1, .unequal, 17)
            putCookie()
            copyOnStack(Place.chosen, 20, to: Place.belief)
            copyOnStack(Place.frontend, 18, to: Place.belief + 20)
            program.store(.half, 0, to: .stack, Place.belief + 38)
            update(SocketMaps.connected, Place.session, Place.belief)
            program.jump(leave, if: .r0, .unequal, 0)
            program.place(stream)
        }

        /// The socket's number goes to `Place.session`.
        private mutating func putCookie() {
            program.move(.r1, .r6)
            program.call(.socketCookie)
            program.store(.double, .r0, to: .stack, Place.session)
        }

        private mutating func checkNamespace() {
            let everybody = BPFLabel("for everybody")
            program.remark("whether it is for this network namespace")
            program.load(.word, .r1, from: .r7, 12)
            program.calculate(.and, .r1, .number(1))
            program.jump(everybody, if: .r1, .equal, 0)
            program.move(.r1, .r6)
            program.call(.namespaceCookie)
            program.append(.constant(.r1, host))
            program.jump(leave, if: .r0, .unequal, .r1)
            program.place(everybody)
        }

        /// A socket that is bound to an interface or to a loopback address cannot reach every endpoint from there: the rules
        /// masquerade it.
        private mutating func checkBinding() {
            program.remark("what the socket is bound to")
            program.load(.double, .r1, from: .r6, SocketCallField.socket)
            program.load(.word, .r2, from: .r1, SocketField.device)
            program.jump(leave, if: .r2, .unequal, 0)
            if hook.isIPv6 {
                leaveLoopback6(.r1, SocketField.source6)
            } else {
                leaveLoopback4(.r1, SocketField.source4)
            }
            // What a datagram says for itself.
            if hook == .send4 { leaveLoopback4(.r6, SocketCallField.source4) }
            if hook == .send6 { leaveLoopback6(.r6, SocketCallField.source6) }
        }

        private mutating func leaveLoopback4(_ base: BPFRegister, _ offset: Int16) {
            program.load(.word, .r2, from: base, offset)
            program.calculate(.and, .r2, .number(0xff))
            program.jump(leave, if: .r2, .equal, 127)
        }

        /// `::1`, and the addresses that stand for 127.0.0.0/8.
        private mutating func leaveLoopback6(_ base: BPFRegister, _ offset: Int16) {
            let other = BPFLabel("other source \(offset)")
            let mapped = BPFLabel("source of IPv4 \(offset)")
            program.load(.word, .r2, from: base, offset)
            program.jump(other, if: .r2, .unequal, 0)
            program.load(.word, .r2, from: base, offset + 4)
            program.jump(other, if: .r2, .unequal, 0)
            program.load(.word, .r2, from: base, offset + 8)
            program.load(.word, .r3, from: base, offset + 12)
            program.jump(mapped, if: .r2, .unequal, 0)
            program.move(.r4, 0x0100_0000)
            program.jump(leave, if: .r3, .equal, .r4)
            program.jump(other)
            program.place(mapped)
            program.calculate(.and, .r3, .number(0xff))
            program.jump(leave, if: .r3, .equal, 127)
            program.place(other)
        }

        /// An endpoint goes to `Place.chosen`: the client's own under session affinity, else any. A client is a network
        /// namespace: whoever chooses has no address yet.
        private mutating func choosing() {
            let random = BPFLabel("random")
            program.remark("the client's own endpoint")
            program.load(.word, .r9, from: .r7, 8)
            program.jump(random, if: .r9, .equal, 0)
            program.move(.r1, .r6)
            program.call(.namespaceCookie)
            program.store(.double, .r0, to: .stack, Place.session)
            program.load(.word, .r1, from: .r7)
            program.store(.word, .r1, to: .stack, Place.session + 8)
            program.store(.word, 0, to: .stack, Place.session + 12)
            program.call(.nanoseconds)
            program.store(.double, .r0, to: .stack, Place.value + 24)
            lookUp(SocketMaps.sessions, Place.session)
            program.jump(random, if: .r0, .equal, 0)
            program.move(.r8, .r0)
            program.load(.double, .r1, from: .r8, 24)
            program.append(.constant(.r2, 1_000_000_000))
            program.calculate(.multiply, .r2, .register(.r9))
            program.calculate(.add, .r1, .register(.r2))
            program.load(.double, .r2, from: .stack, Place.value + 24)
            program.jump(random, if: .r1, .less, .r2)
            copyToStack(.r8, 0, Place.chosen, 20)
            checkMember(otherwise: random)
            program.load(.double, .r1, from: .stack, Place.value + 24)
            program.store(.double, .r1, to: .r8, 24)
            program.jump(chosen)

            program.place(random)
            program.remark("one of the endpoints")
            program.call(.random)
            program.load(.word, .r1, from: .r7, 4)
            program.calculate(.remainder, .r0, .register(.r1))
            program.store(.word, .r0, to: .stack, Place.slot + 4)
            program.load(.word, .r1, from: .r7)
            program.store(.word, .r1, to: .stack, Place.slot)
            lookUp(SocketMaps.endpoints, Place.slot)
            program.jump(leave, if: .r0, .equal, 0)
            copyToStack(.r0, 0, Place.chosen, 20)
            program.jump(chosen, if: .r9, .equal, 0)
            program.remark("keep it for the client")
            copyOnStack(Place.chosen, 20, to: Place.value)
            program.store(.word, 0, to: .stack, Place.value + 20)
            update(SocketMaps.sessions, Place.session, Place.value)
            program.place(chosen)
        }

        /// Goes on only where the endpoint at `Place.chosen` is one of the row's still.
        private mutating func checkMember(otherwise label: BPFLabel) {
            program.load(.word, .r1, from: .r7)
            program.store(.word, .r1, to: .stack, Place.member)
            copyOnStack(Place.chosen, 20, to: Place.member + 4)
            lookUp(SocketMaps.members, Place.member)
            program.jump(label, if: .r0, .equal, 0)
        }

        /// The socket's number and the address at a place of the stack become the key at `Place.flow`.
        private mutating func putFlow(_ place: Int16) {
            program.move(.r1, .r6)
            program.call(.socketCookie)
            program.store(.double, .r0, to: .stack, Place.flow)
            copyOnStack(place, 18, to: Place.flow + 8)
            program.store(.half, 0, to: .stack, Place.flow + 26)
            program.store(.word, 0, to: .stack, Place.flow + 28)
        }

        /// Goes on only where r0, a value that begins with an address (of `peers` or `senders`), is about the address of the call.
        private mutating func comparePeer(otherwise label: BPFLabel) {
            for offset in stride(from: Int16(0), to: 16, by: 4) {
                program.load(.word, .r1, from: .r0, offset)
                program.load(.word, .r2, from: .stack, Place.frontend + offset)
                program.jump(label, if: .r1, .unequal, .r2)
            }
            program.load(.half, .r1, from: .r0, 16)
            program.load(.half, .r2, from: .stack, Place.frontend + 16)
            program.jump(label, if: .r1, .unequal, .r2)
        }

        /// Marks a socket, where it has a certain mark.
        private mutating func setMark(_ mark: UInt32, where present: UInt32) {
            let other = BPFLabel("other mark than \(present)")
            program.remark("mark the socket")
            program.load(.double, .r1, from: .r6, SocketCallField.socket)
            program.load(.word, .r2, from: .r1, SocketField.mark)
            program.jump(other, if: .r2, .unequal, Int32(bitPattern: present))
            program.store(.word, Int32(bitPattern: mark), to: .stack, Place.value)
            program.move(.r1, .r6)
            // SOL_SOCKET, SO_MARK
            program.move(.r2, 1)
            program.move(.r3, 36)
            program.point(.r4, toStack: Place.value)
            program.move(.r5, 4)
            program.call(.setOption)
            program.place(other)
        }

        /// The address at a place of the stack goes into the call.
        private mutating func writeAddress(_ place: Int16) {
            program.remark("write the other address")
            if hook.isIPv6 {
                for word in 0..<Int16(4) {
                    program.load(.word, .r1, from: .stack, place + 4 * word)
                    program.store(.word, .r1, to: .r6, SocketCallField.address6 + 4 * word)
                }
            } else {
                program.load(.word, .r1, from: .stack, place + 12)
                program.store(.word, .r1, to: .r6, SocketCallField.address4)
            }
            program.load(.half, .r1, from: .stack, place + 16)
            program.store(.word, .r1, to: .r6, SocketCallField.port)
        }

        // MARK: Calls

        private mutating func map(_ name: String, _ register: BPFRegister) { program.append(.map(register, name)) }

        private mutating func lookUp(_ name: String, _ key: Int16) {
            map(name, .r1)
            program.point(.r2, toStack: key)
            program.call(.lookup)
        }

        private mutating func update(_ name: String, _ key: Int16, _ value: Int16) {
            map(name, .r1)
            program.point(.r2, toStack: key)
            program.point(.r3, toStack: value)
            program.move(.r4, 0)
            program.call(.update)
        }

        private mutating func callStorage(create: Bool) {
            map(SocketMaps.peers, .r1)
            program.load(.double, .r2, from: .r6, SocketCallField.socket)
            program.move(.r3, 0)
            program.move(.r4, create ? BPFFunction.create : 0)
            program.call(.socketStorage)
        }

        private mutating func copyToStack(_ source: BPFRegister, _ offset: Int16, _ place: Int16, _ count: Int16) {
            program.copy(count, from: source, offset, to: .stack, place)
        }

        private mutating func copyStack(_ place: Int16, _ count: Int16, to target: BPFRegister, _ offset: Int16) {
            program.copy(count, from: .stack, place, to: target, offset)
        }

        private mutating func copyOnStack(_ place: Int16, _ count: Int16, to other: Int16) {
            program.copy(count, from: .stack, place, to: .stack, other)
        }
    }
}
