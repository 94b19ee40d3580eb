extension NetlinkSocket {
    /// Asks for many changes, which the kernel carries out one by one in this order, in as few datagrams as may be. One
    /// that is refused does not keep it from those after it.
    ///
    /// - Parameters:
    ///   - datagram: how many changes one datagram carries at most: the acknowledgements of one have to fit into the
    ///     receive buffer.
    ///   - body: writes what follows the header of the change with this number.
    /// - Returns: the refusals, by the number of the change.
    /// - Throws: where a conversation failed: what became of the changes is not known then.
    package func askAll(
        _ count: Int, type: UInt16, flags: NetlinkFlags = [], datagram: Int = 256,
        _ body: (Int, inout NetlinkWriter) -> Void
    ) throws(NetlinkError) -> [Int: KernelRefusal] {
        var refusals: [Int: KernelRefusal] = [:]
        var writer = NetlinkWriter(capacity: 16 << 10)
        var start = 0
        while start < count {
            let end = min(count, start + datagram)
            writer.removeAll()
            var numbers: [UInt32: Int] = [:]
            for index in start..<end {
                let number = nextSequence()
                numbers[number] = index
                writer.message(type: type, flags: flags.union([.request, .acknowledge]), sequence: number) {
                    body(index, &$0)
                }
            }
            try send(writer.bytes)
            try collect(&numbers, into: &refusals)
            start = end
        }
        return refusals
    }

    /// Reads until each of the numbers is answered.
    private func collect(_ numbers: inout [UInt32: Int], into refusals: inout [Int: KernelRefusal])
        throws(NetlinkError)
    {
        while !numbers.isEmpty {
            guard var datagram = try receive() else { throw .timedOut }
            while let message = try NetlinkMessage.next(&datagram) {
                guard message.kind == .answer, let index = numbers[message.sequence] else { continue }
                numbers[message.sequence] = nil
                refusals[index] = try message.refusal()
            }
        }
    }
}
