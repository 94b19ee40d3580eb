/// Receives one record for each finished request. Called on the event loop that served it: it must not block.
package protocol AccessLog: Sendable {
    func record(_ entry: borrowing AccessRecord)
}
