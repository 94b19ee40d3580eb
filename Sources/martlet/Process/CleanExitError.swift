/// A reason to end with one clear line and a non-zero exit.
struct CleanExitError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
