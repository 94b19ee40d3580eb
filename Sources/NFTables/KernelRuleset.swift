internal import Glibc
internal import Netlink

/// The nftables of this process's network namespace, over netlink. Changing and listing need CAP_NET_ADMIN there.
package final class KernelRuleset: NFRuleset {
    /// The most bytes of one transaction. The kernel keeps all of it in memory at once.
    package static let longestTransaction = 64 << 20

    let socket: NetlinkSocket

    private let longestTransaction: Int

    /// - Parameters:
    ///   - receiveBuffer: bytes of the kernel's answers that may wait.
    ///   - longestTransaction: in bytes.
    package init(receiveBuffer: Int = 4 << 20, longestTransaction: Int = KernelRuleset.longestTransaction)
        throws(NFTablesError)
    {
        self.longestTransaction = longestTransaction
        do throws(NetlinkError) {
            socket = try NetlinkSocket(.netfilter, receiveBuffer: receiveBuffer)
        } catch {
            throw .netlink(error)
        }
    }

    /// The address of the socket: notifications about our own changes carry it.
    package var port: UInt32 { socket.port }

    package func commit(_ transaction: NFTransaction, expecting generation: UInt32?) throws(NFTablesError) {
        guard !transaction.isEmpty else { return }
        let encoder = TransactionEncoder(transaction, sequence: socket.nextSequence(), expecting: generation)
        guard encoder.bytes.count <= longestTransaction else { throw .tooLong(bytes: encoder.bytes.count) }
        socket.skipSequences(to: encoder.lastSequence)
        var refusals: [NFTablesError.Refusal] = []
        do throws(NetlinkError) {
            try socket.send(encoder.bytes)
            refusals = try answers(to: encoder, transaction)
        } catch {
            throw .netlink(error)
        }
        if refusals.contains(where: { $0.cause.number == ERESTART }) { throw .generationChanged }
        guard refusals.isEmpty else { throw .refused(refusals) }
    }

    /// Reads until the acknowledgement of the last operation, or whatever there is when something was refused.
    private func answers(to encoder: TransactionEncoder, _ transaction: NFTransaction) throws(NetlinkError)
        -> [NFTablesError.Refusal]
    {
        var refusals: [NFTablesError.Refusal] = []
        var isAcknowledged = false
        var isOverrun = false
        while true {
            var rest: ArraySlice<UInt8>
            do throws(NetlinkError) {
                // Everything was said before the sending ended: only a kernel that works otherwise is waited for.
                guard let datagram = try socket.receive(wait: refusals.isEmpty && !isAcknowledged && !isOverrun) else {
                    break
                }
                rest = datagram
            } catch {
                // Of thousands of refusals the first, which still wait, say enough.
                guard error == .overrun else { throw error }
                isOverrun = true
                continue
            }
            while let message = try NetlinkMessage.next(&rest) {
                guard message.kind == .answer else { continue }
                guard let refusal = try message.refusal() else {
                    if encoder.isLast(sequence: message.sequence) { isAcknowledged = true }
                    continue
                }
                guard encoder.contains(sequence: refusal.sequence) else { continue }
                if let place = encoder.place(of: refusal) {
                    refusals.append(
                        .init(
                            operation: place.operation, element: place.element,
                            subject: transaction.operations[place.operation].subject, cause: refusal))
                } else {
                    refusals.append(.init(operation: 0, subject: "\(transaction.table)", cause: refusal))
                }
            }
        }
        // Neither word is left: whoever asked has to look.
        if isOverrun, refusals.isEmpty, !isAcknowledged { throw .overrun }
        return refusals
    }
}
