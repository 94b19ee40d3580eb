package import Netlink

/// The flows that a kernel tracks. Calls block.
package protocol TrackedFlows: AnyObject, Sendable {
    /// Deletes the flows that match a filter and that `isStale` names; all others stay untouched.
    ///
    /// Memory does not grow with the table. A flow that ends meanwhile is no error; one that begins meanwhile may be
    /// missed.
    ///
    /// - Returns: how many were deleted.
    func delete(_ filter: FlowFilter, where isStale: (Flow) -> Bool) throws(NetlinkError) -> Int
}
