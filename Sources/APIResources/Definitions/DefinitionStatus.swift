package import KubeModel

/// `status` of a CustomResourceDefinition.
package enum DefinitionStatus {
    /// What a new definition begins with.
    package static func initial(storing version: String) -> JSONValue {
        ["conditions": [], "acceptedNames": CustomResourceNames().json, "storedVersions": [.string(version)]]
    }

    /// What kube-apiserver's controllers make of a status: the accepted names and the conditions that follow from them.
    package static func settled(_ definition: JSONValue, _ decision: NameDecision, now: Timestamp) -> JSONValue {
        var status = definition["status"] ?? [:]
        status["acceptedNames"] = decision.accepted.json
        if let conflict = decision.conflict {
            set(&status, "NamesAccepted", "False", conflict.reason, conflict.message, now)
            if !isTrue("Established", status) {
                set(&status, "Established", "False", "NotAccepted", "not all names are accepted", now)
            }
        } else {
            set(&status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now)
            if !isTrue("Established", status) {
                set(
                    &status, "Established", "True", "InitialNamesAccepted",
                    decision.isProvided ? ProvidedDefinitions.message : "the initial names have been accepted", now)
            }
        }
        if APIApproval.isProtected(definition["spec"]["group"].string ?? "") {
            let approval = APIApproval(definition["metadata"]["annotations"])
            set(
                &status, "KubernetesAPIApprovalPolicyConformant", approval.isApproved ? "True" : "False",
                approval.reason, approval.message, now)
        }
        return status
    }

    /// A definition whose deletion was asked for.
    package static func setTerminating(_ status: inout JSONValue, now: Timestamp) {
        set(
            &status, "Terminating", "True", "InstanceDeletionPending",
            "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon", now)
    }

    package static func isTrue(_ condition: String, _ status: JSONValue?) -> Bool {
        (status["conditions"].array ?? []).contains { $0["type"].string == condition && $0["status"] == "True" }
    }

    /// Sets a condition; the time of its transition moves when its status changes.
    package static func set(
        _ status: inout JSONValue, _ type: String, _ value: String, _ reason: String, _ message: String,
        _ now: Timestamp
    ) {
        var conditions = status["conditions"].array ?? []
        let index = conditions.firstIndex { $0["type"].string == type }
        let old = index.map { conditions[$0] }
        let isSame = old?["status"].string == value
        let condition: JSONValue = [
            "type": .string(type), "status": .string(value),
            "lastTransitionTime": (isSame ? old?["lastTransitionTime"] : nil) ?? .string(now.description),
            "reason": .string(reason), "message": .string(message),
        ]
        if let index { conditions[index] = condition } else { conditions.append(condition) }
        status["conditions"] = .array(conditions)
    }
}
