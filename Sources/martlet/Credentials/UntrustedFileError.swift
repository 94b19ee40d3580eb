/// A file or folder that others could have written, with what is wrong and how to mend it.
struct UntrustedFileError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
