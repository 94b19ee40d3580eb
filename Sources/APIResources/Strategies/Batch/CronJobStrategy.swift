import Glibc
import KubeModel

/// `batch/v1 CronJob`.
struct CronJobStrategy: WorkloadStrategy {
    let definition = ResourceDefinition.builtIn(
        "batch", "v1", "CronJob", "cronjobs", short: ["cj"], categories: ["all"], hasStatus: true)

    private static let zones = "/usr/share/zoneinfo"

    func applyDefaults(_ object: inout JSONValue, _ context: StrategyContext) {
        PodDefaults.apply(toTemplate: &object["spec"]["jobTemplate"]["spec"]["template"])
    }

    func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] {
        var warnings: [String] = []
        let template = object["spec"]["jobTemplate"]["spec"]["template"]
        if template != old?["spec"]["jobTemplate"]["spec"]["template"] {
            warnings = PodWarnings.check(
                template["spec"], FieldPath("spec", "jobTemplate", "spec").child("template", "spec"))
        }
        return warnings + (old == nil ? UnrunWarnings.schedule(object) : [])
    }

    func checkCreate(_ object: JSONValue, _ errors: inout [FieldError]) {
        let name = object.text("metadata", "name")
        // Its Jobs have eleven characters more, and labels at most 63.
        if name.utf8.count > 52 {
            errors.invalid(FieldPath("metadata", "name"), .string(name), "must be no more than 52 characters")
        }
        checkSchedule(object, nil, &errors)
        checkZone(object, &errors)
    }

    func checkUpdate(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        checkSchedule(object, old, &errors)
        if object["spec"]["timeZone"] != old["spec"]["timeZone"] { checkZone(object, &errors) }
    }

    func check(_ object: JSONValue, _ errors: inout [FieldError]) {
        let spec = object["spec"]
        let path = FieldPath("spec")
        errors.nonnegative(path, spec, ["startingDeadlineSeconds"])
        let policy = spec["concurrencyPolicy"].string ?? ""
        if policy.isEmpty {
            errors.required(path.child("concurrencyPolicy"))
        } else {
            errors.oneOf(path.child("concurrencyPolicy"), policy, ["Allow", "Forbid", "Replace"])
        }
        let job = spec["jobTemplate"]["spec"] ?? [:]
        let jobPath = path.child("jobTemplate").child("spec")
        JobRules(path: jobPath).check(job, &errors)
        if let selector = job.at("selector") {
            errors.invalid(jobPath.child("selector"), selector, "`selector` will be auto-generated")
        }
        if job["manualSelector"] == true {
            errors.append(
                .notSupported(jobPath.child("manualSelector"), true, supported: ["nil", "false"]))
        }
        errors.nonnegative(path, spec, ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"])
    }

    func checkStatus(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {}

    private func checkSchedule(_ object: JSONValue, _ old: JSONValue?, _ errors: inout [FieldError]) {
        let path = FieldPath("spec", "schedule")
        let schedule = object.text("spec", "schedule")
        guard !schedule.isEmpty else { return errors.required(path) }
        if let problem = CronSchedule.problem(in: schedule) { errors.invalid(path, .string(schedule), problem) }
        guard schedule.contains("TZ") else { return }
        let hadZone = old?.text("spec", "schedule").contains("TZ") ?? false
        if !hadZone {
            errors.invalid(
                path, .string(schedule), "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
        } else if object.at("spec", "timeZone") != nil {
            errors.invalid(path, .string(schedule), "cannot use both timeZone field and TZ or CRON_TZ in schedule")
        }
    }

    private func checkZone(_ object: JSONValue, _ errors: inout [FieldError]) {
        guard let value = object.at("spec", "timeZone") else { return }
        let path = FieldPath("spec", "timeZone")
        let zone = value.string ?? ""
        guard !zone.isEmpty else {
            return errors.invalid(path, value, "timeZone must be nil or non-empty string")
        }
        let isName = zone.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            part != "." && part != ".." && !part.hasPrefix("-") && (1...14).contains(part.utf8.count)
                && part.utf8.allSatisfy(Self.isZoneByte)
        }
        guard isName else { return errors.invalid(path, value, "unknown time zone \(zone)") }
        if zone.lowercased() == "local" {
            return errors.invalid(
                path, value,
                "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")
        }
        // Without a time zone database every name that is well formed has to do.
        if access(Self.zones, F_OK) == 0, access("\(Self.zones)/\(zone)", F_OK) != 0 {
            errors.invalid(path, value, "unknown time zone \(zone)")
        }
    }

    private static func isZoneByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "+"):
            true
        default: false
        }
    }
}
