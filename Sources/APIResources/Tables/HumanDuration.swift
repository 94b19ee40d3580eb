/// A length of time as `kubectl get` prints ages: coarser the longer it is ("45s", "3m5s", "6h12m", "5d3h", "2y40d").
///
/// The steps are those of `k8s.io/apimachinery/pkg/util/duration.HumanDuration`.
struct HumanDuration: CustomStringConvertible {
    /// Whole seconds. One second in the future counts as zero, which hides small differences between clocks.
    let seconds: Int64

    var description: String {
        if seconds < -1 { return "<invalid>" }
        if seconds < 0 { return "0s" }
        if seconds < 120 { return "\(seconds)s" }
        let minutes = seconds / 60
        if minutes < 10 { return Self.join(minutes, "m", seconds % 60, "s") }
        if minutes < 180 { return "\(minutes)m" }
        let hours = minutes / 60
        if hours < 8 { return Self.join(hours, "h", minutes % 60, "m") }
        if hours < 48 { return "\(hours)h" }
        let days = hours / 24
        if days < 8 { return Self.join(days, "d", hours % 24, "h") }
        if days < 730 { return "\(days)d" }
        let years = days / 365
        if years < 8 { return Self.join(years, "y", days % 365, "d") }
        return "\(years)y"
    }

    private static func join(_ large: Int64, _ unit: String, _ small: Int64, _ smallUnit: String) -> String {
        small == 0 ? "\(large)\(unit)" : "\(large)\(unit)\(small)\(smallUnit)"
    }
}
