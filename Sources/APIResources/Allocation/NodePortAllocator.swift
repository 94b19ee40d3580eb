import NetworkTypes

/// Hands out the numbers of the node port range.
///
/// A number belongs to one Service, whatever the protocol: ports of one Service that differ in protocol may share it,
/// other Services may not, as in Kubernetes. The lower band is kept for requested numbers (KEP-3668). Like
/// ``AddressAllocator`` a plain value.
package struct NodePortAllocator: Sendable {
    /// Why a number can't be had; the descriptions are what Kubernetes answers.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case outOfRange(ClosedRange<Int>)
        case alreadyAllocated
        case reserved
        case full

        package var description: String {
            switch self {
            case .outOfRange(let range):
                "provided port is not in the valid range. The range of valid ports is "
                    + "\(range.lowerBound)-\(range.upperBound)"
            case .alreadyAllocated: "provided port is already allocated"
            case .reserved: "Martlet itself listens on this port of its nodes, and no Service gets it"
            case .full: "range is full"
            }
        }
    }

    package let range: ClosedRange<Int>
    /// How many numbers at the start of the range automatic choices leave alone while others are free.
    package let staticBand: Int
    private let reserved: Set<Int>
    private var bits: BitmapAllocator

    /// - Parameter reserved: numbers that nobody gets; those outside of the range matter to nobody.
    /// - Throws: ``AllocationRangeError`` unless the range lies within 1–65535.
    package init(range: ClosedRange<Int>, reserved: Set<Int> = []) throws(AllocationRangeError) {
        guard range.lowerBound >= 1, range.upperBound <= 65_535 else {
            throw AllocationRangeError("the service node port range must be within 1-65535")
        }
        self.range = range
        staticBand = range.count <= 16 ? 0 : min(max(range.count / 32, 16), 128)
        self.reserved = reserved.filter(range.contains)
        bits = BitmapAllocator(capacity: range.count)
        for port in self.reserved { _ = bits.allocate(port - range.lowerBound) }
    }

    package var freeCount: Int { bits.freeCount }

    package mutating func allocate(_ port: Int) throws(Failure) {
        guard range.contains(port) else { throw .outOfRange(range) }
        guard !reserved.contains(port) else { throw .reserved }
        guard bits.allocate(port - range.lowerBound) else { throw .alreadyAllocated }
    }

    package mutating func allocateNext(spread: UInt64) throws(Failure) -> Int {
        let upper = staticBand..<range.count
        let start = upper.lowerBound + Int(spread % UInt64(upper.count))
        let chosen =
            bits.allocateNext(in: upper, startingAt: start)
            ?? bits.allocateNext(in: 0..<staticBand, startingAt: 0)
        guard let offset = chosen else { throw .full }
        return range.lowerBound + offset
    }

    @discardableResult
    package mutating func release(_ port: Int) -> Bool {
        range.contains(port) && !reserved.contains(port) && bits.release(port - range.lowerBound)
    }

    package func isAllocated(_ port: Int) -> Bool {
        range.contains(port) && bits.contains(port - range.lowerBound)
    }
}
