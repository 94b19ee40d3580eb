package import KubeModel

/// The Common Expression Language as the language of schemas' validation rules.
package struct CELRuleLanguage: SchemaRuleLanguage {
    package func compile(_ nodes: [SchemaGraph.Node], root: Int?) -> (any SchemaRules)? {
        CELRuleSet(nodes: nodes, root: root)
    }
}

extension SchemaRuleLanguage where Self == CELRuleLanguage {
    package static var cel: CELRuleLanguage { CELRuleLanguage() }
}
