/// Where resources that come and go are made, away from the loops.
protocol ResourceSource: AnyObject, Sendable {
    /// Whether changes that somebody has been told of are still being made.
    var isBehind: Bool { get }

    /// Has `goOn` run on a loop once all changes are made that somebody has been told of; false when too many wait already.
    func whenSettled(_ goOn: @escaping @Sendable () -> Void) -> Bool
}
