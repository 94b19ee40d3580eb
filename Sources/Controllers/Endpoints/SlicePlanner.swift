import KubeModel

/// The endpoints that slices should hold, all of one address type and with the same ports.
struct SliceGroup: Hashable, Sendable {
    var addressType: String
    var ports: [EndpointPort]
    var endpoints: [Endpoint]
}

/// What every slice of an owner carries.
struct SliceTemplate: Sendable {
    var namespace: String
    /// The owner's name; the server adds the rest of a new slice's name.
    var generateName: String
    var labels: [String: String]
    var annotations: [String: String]
    var owner: OwnerReference
    /// For `endpoints.kubernetes.io/last-change-trigger-time`, on slices that change.
    var triggerTime: Timestamp?
}

/// The writes that bring slices to the wanted state.
struct SlicePlan: Sendable, Equatable {
    var create: [EndpointSlice] = []
    var update: [EndpointSlice] = []
    var delete: [EndpointSlice] = []

    var isEmpty: Bool { create.isEmpty && update.isEmpty && delete.isEmpty }
}

/// Distributes endpoints over slices with as few writes as possible and without renaming what can stay.
///
/// In order of preference, as Kubernetes' EndpointSlice controller does: an endpoint stays in its slice; a new one
/// goes to a slice that has to be written anyway; then to one with room; then to a slice that would otherwise be
/// deleted; then to a new slice. Slices are never balanced: that would cost writes.
enum SlicePlanner {
    static let triggerTimeAnnotation = "endpoints.kubernetes.io/last-change-trigger-time"

    /// - Parameters:
    ///   - existing: the owner's slices as they are.
    ///   - groups: what they should hold; groups without endpoints keep or get one empty slice.
    ///   - capacity: endpoints a slice, at least 1.
    static func plan(
        existing: [EndpointSlice], groups: [SliceGroup], template: SliceTemplate, capacity: Int
    ) -> SlicePlan {
        var plan = SlicePlan()
        // In order of name, so that equal inputs give equal plans.
        var unused = existing.sorted { ($0.metadata.name ?? "") < ($1.metadata.name ?? "") }
        var work: [GroupWork] = []
        for group in groups {
            let isOurs = { (slice: EndpointSlice) in
                slice.addressType == group.addressType && samePorts(slice.ports ?? [], group.ports)
            }
            let slices = unused.filter(isOurs)
            unused.removeAll(where: isOurs)
            work.append(GroupWork(group: group, slices: slices, capacity: capacity))
        }
        for index in work.indices { work[index].distribute(&unused) }
        for group in work {
            for slice in group.kept {
                var wanted = slice.slice
                let didChange = slice.isChanged || !carries(wanted, template)
                guard didChange else { continue }
                apply(template, to: &wanted)
                plan.update.append(wanted)
            }
            for endpoints in group.new {
                var slice = EndpointSlice(
                    metadata: ObjectMeta(generateName: template.generateName + "-", namespace: template.namespace),
                    addressType: group.group.addressType, endpoints: endpoints, ports: group.group.ports)
                apply(template, to: &slice)
                plan.create.append(slice)
            }
            plan.delete += group.emptied
        }
        plan.delete += unused
        return plan
    }

    private static func samePorts(_ left: [EndpointPort], _ right: [EndpointPort]) -> Bool {
        left.count == right.count && Set(left) == Set(right)
    }

    /// Whether metadata is as the template wants it, apart from the trigger time, which is no reason to write.
    private static func carries(_ slice: EndpointSlice, _ template: SliceTemplate) -> Bool {
        let annotations = slice.metadata.annotations ?? [:]
        return (slice.metadata.labels ?? [:]) == template.labels
            && template.annotations.allSatisfy { annotations[$0.key] == $0.value }
            && slice.metadata.ownerReferences == [template.owner]
    }

    private static func apply(_ template: SliceTemplate, to slice: inout EndpointSlice) {
        slice.metadata.labels = template.labels
        // Annotations of others stay.
        var annotations = (slice.metadata.annotations ?? [:]).merging(template.annotations) { _, new in new }
        annotations[triggerTimeAnnotation] = template.triggerTime?.description
        slice.metadata.annotations = annotations.isEmpty ? nil : annotations
        slice.metadata.ownerReferences = [template.owner]
    }
}

/// The slices of one group while endpoints are distributed.
private struct GroupWork {
    struct Kept {
        var slice: EndpointSlice
        var isChanged: Bool
        var count: Int { slice.endpoints?.count ?? 0 }
    }

    let group: SliceGroup
    let capacity: Int
    private(set) var kept: [Kept] = []
    private(set) var emptied: [EndpointSlice] = []
    private(set) var new: [[Endpoint]] = []
    private var missing: [Endpoint] = []

    init(group: SliceGroup, slices: [EndpointSlice], capacity: Int) {
        self.group = group
        self.capacity = max(1, capacity)
        var wanted: [EndpointIdentity: Endpoint] = [:]
        for endpoint in group.endpoints { wanted[EndpointIdentity(endpoint)] = endpoint }
        for var slice in slices {
            var isChanged = false
            var endpoints: [Endpoint] = []
            for endpoint in slice.endpoints ?? [] {
                // Gone, or already in an earlier slice.
                guard let target = wanted.removeValue(forKey: EndpointIdentity(endpoint)) else {
                    isChanged = true
                    continue
                }
                if target != endpoint { isChanged = true }
                endpoints.append(target)
            }
            slice.endpoints = endpoints
            kept.append(Kept(slice: slice, isChanged: isChanged))
        }
        missing = group.endpoints.filter { wanted[EndpointIdentity($0)] != nil }
    }

    /// - Parameter unused: slices of the owner that no group has a use for; one of the same address type may be
    ///   filled instead of a new one.
    mutating func distribute(_ unused: inout [EndpointSlice]) {
        for mustBeWritten in [true, false] {
            // The fullest first, so that few slices change.
            let order = kept.indices.sorted { kept[$0].count > kept[$1].count }
            for index in order where kept[index].isChanged == mustBeWritten { fill(index) }
        }
        while !missing.isEmpty {
            let part = Array(missing.prefix(capacity))
            missing.removeFirst(part.count)
            addSlice(part, &unused)
        }
        if group.endpoints.isEmpty {
            // One empty slice says that the Service is known to have no endpoints.
            if kept.isEmpty { addSlice([], &unused) }
            emptied = kept.dropFirst().map(\.slice)
            kept = Array(kept.prefix(1))
        } else {
            emptied = kept.filter { $0.count == 0 }.map(\.slice)
            kept.removeAll { $0.count == 0 }
        }
    }

    private mutating func fill(_ index: Int) {
        let room = capacity - kept[index].count
        guard room > 0, !missing.isEmpty else { return }
        kept[index].slice.endpoints = (kept[index].slice.endpoints ?? []) + missing.prefix(room)
        kept[index].isChanged = true
        missing.removeFirst(min(room, missing.count))
    }

    private mutating func addSlice(_ endpoints: [Endpoint], _ unused: inout [EndpointSlice]) {
        guard let index = unused.firstIndex(where: { $0.addressType == group.addressType }) else {
            return new.append(endpoints)
        }
        var slice = unused.remove(at: index)
        slice.ports = group.ports
        slice.endpoints = endpoints
        kept.append(Kept(slice: slice, isChanged: true))
    }
}

/// What makes an endpoint the same after a change of its conditions: its addresses and Pod.
private struct EndpointIdentity: Hashable {
    var addresses: [String]
    var target: String?

    init(_ endpoint: Endpoint) {
        addresses = endpoint.addresses ?? []
        target = endpoint.targetRef.map { "\($0.kind ?? "")/\($0.namespace ?? "")/\($0.name ?? "")/\($0.uid ?? "")" }
    }
}
