/// What systemd says of a unit (org.freedesktop.systemd1(5)), in its own words.
package struct UnitState: Hashable, Sendable {
    /// Its first name; another one than asked for where that is an alias.
    package var id: String
    /// `loaded`, `not-found`, `masked`, `bad-setting`, `error`, …
    package var loadState: String
    /// `active`, `reloading`, `inactive`, `failed`, `activating`, `deactivating`, …
    package var activeState: String
    /// Of its kind: `running`, `exited`, `auto-restart`, …
    package var subState: String
    /// How it ended: `success`, `exit-code`, `oom-kill`, …; "" for a kind that does not say.
    package var result: String
    /// Another one after each start; empty for none.
    package var invocation: [UInt8]
    /// When it became active: microseconds since 1970; 0 for never.
    package var activeSince: UInt64

    package init(
        id: String, loadState: String = "loaded", activeState: String, subState: String = "", result: String = "",
        invocation: [UInt8] = [], activeSince: UInt64 = 0
    ) {
        self.id = id
        self.loadState = loadState
        self.activeState = activeState
        self.subState = subState
        self.result = result
        self.invocation = invocation
        self.activeSince = activeSince
    }
}

/// What is known of a unit at this moment.
package enum UnitSight: Hashable, Sendable {
    case known(UnitState)
    /// Nothing, and why.
    case unknown(String)
}
