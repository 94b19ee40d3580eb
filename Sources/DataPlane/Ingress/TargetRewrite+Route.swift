internal import KubeModel
internal import ProxyEngine
internal import TrafficModel

extension TargetRewrite {
    init(_ rewrite: CompiledRoutes.Rewrite) {
        let target = rewrite.target
        self.init(
            path: target.path.map(Part.init), arguments: target.arguments?.map(Part.init),
            keepsArguments: target.keepsArguments, forwardedPrefix: rewrite.forwardedPrefix.map { Array($0.utf8) })
    }
}

extension TargetRewrite.Part {
    fileprivate init(_ part: RewriteTemplate.Part) {
        switch part {
        case .text(let text): self = .text(text)
        case .group(let number): self = .group(number)
        }
    }
}

extension RoutePattern {
    init(_ pattern: PathPattern, isClosed: Bool, keepsPlace: Bool) {
        self.init(expression: isClosed ? nil : pattern.expression, start: pattern.start, keepsPlace: keepsPlace)
    }
}

extension CompiledRoutes.Route.Kind {
    var match: ProxyConfiguration.Route.Match {
        switch self {
        case .exact: .exact
        case .prefix: .prefix
        case .pattern: .pattern
        }
    }
}
