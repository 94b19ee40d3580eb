import System

/// The files that a client's configuration names.
enum ClientFile {
    /// - Throws: `ClientError` with code `configuration` and the system's words.
    static func read(_ path: String) throws(ClientError) -> [UInt8] {
        do throws(SystemError) {
            return try FileBytes.read(path)
        } catch {
            throw ClientError(.configuration, "\(path): \(error.reason)")
        }
    }
}
