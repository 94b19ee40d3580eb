import DNS

/// The plugins that let others look at a server: what they want is there always, in one way.
extension NamesPlan {
    /// Errors are logged; `/health`, `/ready` and `/metrics` are served on `--metrics-bind-address`. What else such a line
    /// wants is told, but for what stands in every cluster.
    mutating func readObservation(_ directive: Corefile.Directive) {
        let place = directive.place
        switch directive.name {
        case "errors":
            for word in directive.arguments { pass(place, "errors: \(word): they are in the log of this process") }
            for option in directive.block { pass(option.place, "errors: there is no option \(option.name) here") }
        case "health":
            readAddress(of: directive)
            for option in directive.block where option.words != ["lameduck", "5s"] {
                let words = option.words.joined(separator: " ")
                pass(option.place, "health: \(words): how long an end takes is for --shutdown-grace-period to say")
            }
        case "ready":
            readAddress(of: directive)
            for option in directive.block { pass(option.place, "ready: there is no option \(option.name) here") }
        case "prometheus":
            if directive.arguments != [":9153"] { readAddress(of: directive) }
        case "minimal": pass(place, "minimal: answers of other servers are passed on whole")
        case "multisocket" where !directive.arguments.isEmpty:
            pass(place, "multisocket: there are as many sockets as event loops")
        default: break
        }
    }

    private mutating func readAddress(of directive: Corefile.Directive) {
        guard let address = directive.arguments.first else { return }
        pass(
            directive.place,
            "\(directive.name): it is served on --metrics-bind-address, so nothing listens on \(address)")
    }
}
