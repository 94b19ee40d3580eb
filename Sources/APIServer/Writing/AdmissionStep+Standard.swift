import APIResources
import KubeModel

extension AdmissionStep {
    /// Default → prepare → validate → own → allocate, for POST, PUT, every kind of PATCH and the server's own writes. The
    /// order is kube-apiserver's (`handlers/create.go`, `rest.BeforeCreate`, `registry.Store`), but that what is refused
    /// as invalid has claimed nothing yet.
    ///
    /// What changes an object by somebody else's word (mutating admission) belongs behind `defaults`: it sees the
    /// defaults, and what it changes is checked and owned like what the client sent. What only judges (validating
    /// admission) belongs behind `allocate`: it sees the object as it would be stored, also where nothing changes.
    static let standard: [AdmissionStep] = [
        AdmissionStep(
            "identity",
            create: { (draft, _) throws(Status) in
                try draft.identifyNew()
                return .proceed
            },
            update: { (draft, _) throws(Status) in
                try draft.identifyChanged()
                return .proceed
            }),
        AdmissionStep(
            "namespace",
            create: { (draft, surroundings) throws(Status) in
                try surroundings.namespaces.admitCreate(draft.request, name: draft.name)
                return .proceed
            }),
        .always("defaults") { (draft, _) throws(Status) in
            try draft.applyDefaults()
            return .proceed
        },
        AdmissionStep(
            "metadata",
            create: { (draft, _) throws(Status) in
                draft.fillSystemMetadata()
                return .proceed
            },
            update: { (draft, _) throws(Status) in
                draft.keepSystemMetadata()
                return .proceed
            }),
        .always("schema") { (draft, _) throws(Status) in
            draft.checkSchema()
            return .proceed
        },
        AdmissionStep(
            "prepare",
            create: { (draft, _) throws(Status) in
                draft.prepareNew()
                return .proceed
            },
            update: { (draft, _) throws(Status) in
                draft.prepareChanged()
                return .proceed
            }),
        .always("nodes") { (draft, _) throws(Status) in
            try NodeRestriction.check(draft.request, draft.object, replacing: draft.old)
            return .proceed
        },
        AdmissionStep(
            "validate",
            create: { (draft, _) throws(Status) in
                try draft.validateNew()
                return .proceed
            },
            update: { (draft, _) throws(Status) in
                try draft.validateChanged()
                return .proceed
            }),
        AdmissionStep(
            "own",
            create: { (draft, surroundings) throws(Status) in
                draft.ownNew(surroundings.resources)
                return .proceed
            },
            update: { (draft, surroundings) throws(Status) in
                draft.ownChanged(surroundings.resources)
                return .proceed
            }),
        AdmissionStep(
            "generation",
            update: { (draft, _) throws(Status) in
                draft.countGeneration()
                return .proceed
            }),
        .always("warn") { (draft, _) throws(Status) in
            draft.collectWarnings()
            return .proceed
        },
        .always("allocate") { (draft, _) throws(Status) in
            try draft.allocate()
            return .proceed
        },
        AdmissionStep(
            "unchanged",
            update: { (draft, _) throws(Status) in
                draft.changesNothing ? .unchanged : .proceed
            }),
    ]
}
