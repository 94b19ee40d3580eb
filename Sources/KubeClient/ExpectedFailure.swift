/// An error that may be one of everyday life, not worth a warning.
protocol ExpectedFailure: Error {
    var isExpected: Bool { get }
}
