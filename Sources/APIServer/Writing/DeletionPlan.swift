import APIResources
import KubeModel

/// What a DELETE makes of an object: decided from the object and the options alone.
///
/// The rules are those of Kubernetes' generic registry (`rest.BeforeDelete`, `deletionFinalizersForGarbageCollection`,
/// `markAsDeleting`) and, for Namespaces, of their own storage.
enum DeletionPlan: Equatable {
    /// Nothing holds it: it goes. The document is its last state as the client is told.
    case remove(JSONValue)
    /// Finalizers or a grace period hold it: this is how it waits.
    case hold(JSONValue)
    /// It waits already, and this request changes nothing about that.
    case unchanged

    /// - Parameter object: as it is stored now.
    init(_ object: JSONValue, _ options: DeleteOptions, _ strategy: any ResourceStrategy, now: Timestamp) {
        let isNamespace = object["kind"] == "Namespace" && object["apiVersion"] == "v1"
        let isTerminating = object["metadata"]["deletionTimestamp"] != nil
        if isNamespace, isTerminating, !(object["spec"]["finalizers"].array ?? []).isEmpty {
            self = .unchanged
            return
        }
        var result = object
        if !isTerminating { strategy.prepareForDeletion(&result, now: now) }
        var waits = false
        let remaining = object["metadata"]["deletionGracePeriodSeconds"].int.map(Int64.init) ?? 0
        if isTerminating, remaining > 0 {
            // A grace period under way can only become shorter.
            guard let wanted = options.gracePeriodSeconds, wanted < remaining else {
                self = .unchanged
                return
            }
            Self.shorten(&result, from: remaining, to: wanted)
            waits = wanted > 0
        } else if !isTerminating,
            let grace = strategy.gracePeriodSeconds(for: object, requested: options.gracePeriodSeconds)
        {
            Self.mark(&result, at: now.advanced(bySeconds: grace), grace: grace)
            waits = grace > 0
        }
        Self.settleFinalizers(&result, options, strategy.dependentsPolicy)
        if isNamespace {
            result["status"]["phase"] = "Terminating"
            if !isTerminating { result["metadata"]["deletionTimestamp"] = .string(now.description) }
        }
        if !(result["metadata"]["finalizers"].array ?? []).isEmpty {
            waits = true
            if !isNamespace, result["metadata"]["deletionTimestamp"] == nil { Self.mark(&result, at: now, grace: 0) }
        }
        if isNamespace, !(result["spec"]["finalizers"].array ?? []).isEmpty { waits = true }
        if !waits {
            self = .remove(result)
        } else {
            self = result == object ? .unchanged : .hold(result)
        }
    }

    private static func mark(_ object: inout JSONValue, at moment: Timestamp, grace: Int64) {
        object["metadata"]["deletionTimestamp"] = .string(moment.description)
        object["metadata"]["deletionGracePeriodSeconds"] = .integer(grace)
        // Being deleted is a change of what is wanted.
        if let generation = object["metadata"]["generation"].int, generation > 0 {
            object["metadata"]["generation"] = .integer(Int64(generation) + 1)
        }
    }

    private static func shorten(_ object: inout JSONValue, from old: Int64, to new: Int64) {
        if let end = object["metadata"]["deletionTimestamp"].string.flatMap({ Timestamp($0) }) {
            object["metadata"]["deletionTimestamp"] = .string(end.advanced(bySeconds: new - old).description)
        }
        object["metadata"]["deletionGracePeriodSeconds"] = .integer(new)
    }

    /// Sets the garbage collector's finalizers as the options say; without a word of theirs, those that are there stay.
    private static func settleFinalizers(
        _ object: inout JSONValue, _ options: DeleteOptions, _ policy: DependentsPolicy
    ) {
        let old = (object["metadata"]["finalizers"].array ?? []).compactMap(\.string)
        let propagation: DeleteOptions.Propagation
        if policy == .unsupported {
            propagation = .background
        } else if let orphans = options.orphanDependents {
            propagation = orphans ? .orphan : .background
        } else if let wanted = options.propagation {
            propagation = wanted
        } else if let first = old.first(where: {
            $0 == CollectorFinalizer.orphan || $0 == CollectorFinalizer.foreground
        }) {
            propagation = first == CollectorFinalizer.orphan ? .orphan : .foreground
        } else {
            propagation = policy == .orphan ? .orphan : .background
        }
        var new = old.filter { $0 != CollectorFinalizer.orphan && $0 != CollectorFinalizer.foreground }
        switch propagation {
        case .orphan: new.append(CollectorFinalizer.orphan)
        case .foreground: new.append(CollectorFinalizer.foreground)
        case .background: break
        }
        guard Set(new) != Set(old) else { return }
        object["metadata"]["finalizers"] = new.isEmpty ? nil : .array(new.map { .string($0) })
    }
}

extension JSONValue {
    /// A deletion that was asked for waits for finalizers and for the end of its grace period; with the last finalizer
    /// gone and no time left, an update of the object ends it (`ShouldDeleteDuringUpdate`).
    var isDeletionComplete: Bool {
        self["metadata"]["deletionTimestamp"] != nil
            && (self["metadata"]["finalizers"].array ?? []).isEmpty
            && (self["metadata"]["deletionGracePeriodSeconds"].int ?? 0) == 0
            && !(self["kind"] == "Namespace" && !(self["spec"]["finalizers"].array ?? []).isEmpty)
    }
}
