enum Polling {
    /// Waits for a condition; false when it did not come true in time.
    @discardableResult
    static func until(within seconds: Int = 60, _ condition: @Sendable () async -> Bool) async -> Bool {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline {
            if await condition() { return true }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return await condition()
    }
}
