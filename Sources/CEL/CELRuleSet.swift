import KubeModel

/// All rules of a schema.
final class CELRuleSet: SchemaRules {
    /// By node.
    let rules: [Int: [CELRule]]
    let declarations: [Int: CELDeclaration]
    /// Whether rules stand at a node or anywhere below.
    let leads: [Bool]

    /// nil when no node has rules.
    init?(nodes: [SchemaGraph.Node], root: Int?) {
        guard nodes.contains(where: { !$0.rules.isEmpty }) else { return nil }
        var declarations = CELDeclarations(nodes: nodes, root: root)
        var rules: [Int: [CELRule]] = [:]
        var known: [Int: CELDeclaration] = [:]
        for index in nodes.indices {
            let sources = nodes[index].rules + nodes[index].allOf.flatMap { nodes[$0].rules }
            guard !sources.isEmpty else { continue }
            let declaration = declarations.declaration(of: index)
            known[index] = declaration
            rules[index] = sources.map { CELRule(CELRuleSource(json: $0), declaration, nodes: nodes, node: index) }
        }
        self.rules = rules
        self.declarations = known
        leads = CELRuleSet.leads(nodes, Set(rules.keys))
    }

    func stand(at node: Int) -> Bool { leads[node] }

    func errors(
        _ new: JSONValue, old: JSONValue?, at node: Int, in graph: SchemaGraph, path: FieldPath
    ) -> [FieldError] {
        var walk = CELRuleWalk(graph: graph, set: self, path: path)
        walk.run(node, new, old: old)
        return walk.errors
    }

    private static func leads(_ nodes: [SchemaGraph.Node], _ marked: Set<Int>) -> [Bool] {
        var parents: [[Int]] = Array(repeating: [], count: nodes.count)
        for (index, node) in nodes.enumerated() {
            for (_, child) in node.properties { parents[child].append(index) }
            if let items = node.items { parents[items].append(index) }
            if case .schema(let child) = node.additional { parents[child].append(index) }
        }
        var result = Array(repeating: false, count: nodes.count)
        var pending = Array(marked)
        while let index = pending.popLast() {
            if result[index] { continue }
            result[index] = true
            pending += parents[index]
        }
        return result
    }
}
