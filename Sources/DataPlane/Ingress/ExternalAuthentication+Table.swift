import KubeModel
import ProxyEngine
import TrafficModel

extension ExternalAuthentication {
    /// Reads what a table says, which the API server has found good. What cannot be read after all lets nobody in.
    ///
    /// - Parameter upstream: of who is asked; nil where nobody can be.
    convenience init(_ filters: RouteExternalAuthentication, _ url: AuthenticationURL?, upstream: Int?) {
        let redirect =
            filters.requestRedirect.map { RequestText($0, isURL: false) } ?? RequestText(parts: [.pathAndQuery])
        let signIn = filters.signIn.map { RequestText($0, isURL: true) }
        let isReadable = redirect != nil && signIn.map { $0 != nil } ?? true
        self.init(
            upstream: isReadable ? upstream : nil, method: Array((filters.method ?? "GET").utf8),
            target: url.map { RequestText($0.target) } ?? RequestText(parts: []),
            host: RequestText(parts: [url.flatMap(Self.host) ?? .host]), redirect: redirect ?? RequestText(parts: []),
            signIn: signIn.flatMap(\.self),
            passedFields: (filters.responseHeaders ?? []).map { Array($0.lowercased().utf8) })
    }

    private static func host(_ url: AuthenticationURL) -> RequestText.Part? {
        guard case .named(let name) = url.host else { return nil }
        return .text(Array((name.contains(":") ? "[\(name)]" : name).utf8))
    }
}

extension RequestText {
    /// nil for a text that cannot be read.
    init?(_ text: String, isURL: Bool) {
        do {
            self.init(try RequestTextTemplate(text, isURL: isURL))
        } catch {
            return nil
        }
    }

    init(_ template: RequestTextTemplate) {
        self.init(
            parts: template.parts.map { part in
                switch part {
                case .text(let text): .text(Array(text.utf8))
                case .clientAddress: .clientAddress
                case .field(let name): .field(Array(name.utf8))
                case .cookie(let name): .cookie(Array(name.utf8))
                case .argument(let name): .argument(Array(name.utf8))
                case .pathAndQuery: .pathAndQuery
                case .escapedPathAndQuery: .escapedPathAndQuery
                case .path: .path
                case .query: .query
                case .host: .host
                case .authority: .authority
                case .method: .method
                case .scheme: .scheme
                }
            })
    }
}
