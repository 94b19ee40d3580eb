import KubeModel
import Patching

/// Server-side apply.
extension FuzzTarget {
    /// Two field sets, a line each: what is read survives, and the set operations agree with one another.
    static func fields(_ input: [UInt8]) {
        guard let halves = halves(input), let one = try? FieldSet(fieldsV1: halves.first) else { return }
        check((try? FieldSet(fieldsV1: one.fieldsV1)) == one, "a field set does not survive")
        check(parsed(one.fieldsV1) != nil, "what is written is no JSON")
        guard let other = try? FieldSet(fieldsV1: halves.second) else { return }
        let union = one.union(other)
        check(union.isSuperset(of: one) && union.isSuperset(of: other), "a union lacks what went into it")
        check(union == other.union(one), "a union depends on the order")
        let common = one.intersection(other)
        check(common == other.intersection(one), "an intersection depends on the order")
        check(one.isSuperset(of: common) && other.isSuperset(of: common), "an intersection has more than both")
        check(one.subtracting(other).intersection(other).isEmpty, "a difference has what was taken away")
        check(one.subtracting(other).union(common) == one, "difference and intersection are not the whole")
        _ = one.subtractingTrees(other)
        _ = try? ManagedFields(encoded: halves.first)
    }

    /// A live object and a configuration, a line each: applied twice is applied once.
    static func apply(_ input: [UInt8]) {
        guard let (live, configuration) = documents(input), case .object = live, case .object = configuration,
            let schema = podLike, schema.mismatches(in: live).isEmpty,
            AppliedConfiguration.problems(configuration, schema: schema) == nil
        else { return }
        let context = ManagedFields.ApplyContext(schema: schema, hasZeroFields: false, apiVersion: "v1")
        let identity = FieldManagerIdentity("a", .apply, apiVersion: "v1")
        var managed = ManagedFields()
        guard
            let once = try? managed.apply(
                configuration, to: live, by: identity, force: true, context, time: "2026-01-01T00:00:00Z")
        else { return }
        let twice = try? managed.apply(
            configuration, to: once, by: identity, force: true, context, time: "2026-01-01T00:00:00Z")
        check(twice == once, "applied twice: \(once)\nthen \(String(describing: twice))")
        // Somebody else may take it all over, and give it up again.
        let other = FieldManagerIdentity("b", .apply, apiVersion: "v1")
        _ = try? managed.apply(configuration, to: once, by: other, force: false, context, time: "2026-01-01T00:00:00Z")
        _ = try? managed.apply([:], to: once, by: identity, force: true, context, time: "2026-01-01T00:00:00Z")
    }
}
