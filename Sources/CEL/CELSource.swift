/// The text of an expression whose variables are not declared: only its syntax can be judged.
package enum CELSource {
    /// What is wrong with the syntax; nil: nothing.
    package static func complaint(about source: String) -> String? {
        do {
            _ = try CELParser.parse(source)
            return nil
        } catch {
            return error.message
        }
    }
}
