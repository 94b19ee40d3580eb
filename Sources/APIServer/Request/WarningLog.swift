import KubeModel
import Synchronization

/// What a request's client should hear besides the answer, whatever the answer is. Callable from any thread.
///
/// The limits are those of kube-apiserver (`WithWarningRecorder`): above 4,096 characters in all, each text is cut to
/// 256, and once those reach the limit nothing more is said.
final class WarningLog: Sendable {
    private let texts = Mutex<[String]>([])

    static let totalLimit = 4096
    static let itemLimit = 256

    /// Notes texts that have not been noted before.
    func add(_ new: [String]) {
        guard !new.isEmpty else { return }
        texts.withLock { texts in
            for text in new where !text.isEmpty && !texts.contains(text) { texts.append(text) }
        }
    }

    /// The values of the `Warning` headers, in order.
    var headers: [String] {
        let texts = texts.withLock { $0 }
        guard !texts.isEmpty else { return [] }
        let total = texts.reduce(0) { $0 + $1.unicodeScalars.count }
        guard total > Self.totalLimit else { return texts.map(Self.header) }
        var result: [String] = []
        var written = 0
        for text in texts {
            guard written < Self.totalLimit else { break }
            let cut = text.unicodeScalars.prefix(Self.itemLimit)
            written += cut.count
            result.append(Self.header(String(String.UnicodeScalarView(cut))))
        }
        return result
    }

    /// RFC 7234 section 5.5 with Kubernetes' code 299 and agent "-". Control characters have no place in a header.
    static func header(_ text: String) -> String {
        var result = "299 - \""
        for scalar in text.unicodeScalars where scalar.value >= 0x20 && !(0x7f..<0xa0).contains(scalar.value) {
            if scalar == "\"" || scalar == "\\" { result += "\\" }
            result.unicodeScalars.append(scalar)
        }
        return result + "\""
    }
}
