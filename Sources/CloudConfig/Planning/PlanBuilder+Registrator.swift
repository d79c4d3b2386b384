// SPDX-License-Identifier: Apache-2.0
import TextTemplates

/// `coracle.registrator`.
extension PlanBuilder {
  private static let longestDrainSeconds = 300.0

  mutating func planRegistrator(_ section: Section, _ unit: BuiltInUnits.Switch) -> RegistratorPlan {
    var plan = RegistratorPlan()
    plan.isEnabled = section["enabled"]?.boolean ?? (unit != .off)
    plan.isInternal = section["internal"]?.boolean ?? plan.isInternal
    plan.isExplicit = section["explicit"]?.boolean ?? plan.isExplicit
    plan.cleansUp = section["cleanup"]?.boolean ?? plan.cleansUp
    plan.wantsHealthy = section["healthy_only"]?.boolean ?? plan.wantsHealthy
    if let ip = section["ip"]?.string, !ip.isEmpty { plan.ip = ip }
    plan.ipLabel = text(section, "use_ip_from_label") ?? text(section, "useIpFromLabel")
    if let tags = section["tags"] ?? section["force_tags"], let text = tags.string {
      if TagTemplate.isTemplate(text) {
        do {
          plan.tagTemplate = try TagTemplate(text)
        } catch {
          log.error(at: tags.mark, "coracle.registrator.tags: \(error)")
        }
      } else {
        plan.tags = text.split(separator: ",").map { String($0.trimmingBlanks()) }.filter { !$0.isEmpty }
      }
    }
    planLayout(section, &plan)
    planTimes(section, &plan)
    return plan
  }

  private mutating func planLayout(_ section: Section, _ plan: inout RegistratorPlan) {
    plan.format = (section["format"]?.string).flatMap(RegistratorPlan.Format.init) ?? .etcd
    plan.prefix = plan.format.defaultPrefix
    if let prefix = section["prefix"], let text = prefix.string {
      let names = text.split(separator: "/")
      if names.isEmpty {
        log.error(at: prefix.mark, "coracle.registrator.prefix must name a directory, as in /services")
      }
      plan.prefix = "/" + names.joined(separator: "/")
    }
    let labels = (text(section, "domain") ?? "").split(separator: ".")
    plan.domain = labels.joined(separator: ".")
    if plan.format == .skydns2 {
      if labels.isEmpty, let format = section["format"] {
        log.error(at: format.mark, "coracle.registrator.domain must name the domain of skydns2, as in cluster.local")
      } else if let domain = section["domain"], plan.domain.contains("/") {
        log.error(at: domain.mark, "coracle.registrator.domain must be a domain, as in cluster.local")
      }
    } else if let domain = section["domain"] {
      log.warning(at: domain.mark, "coracle.registrator.domain has no effect: only format skydns2 has one")
    }
  }

  private mutating func planTimes(_ section: Section, _ plan: inout RegistratorPlan) {
    if let ttl = section["ttl"], let seconds = ttl.integer {
      if seconds < 0 { log.error(at: ttl.mark, "coracle.registrator.ttl must be 0 (for ever) or more seconds") }
      plan.ttlSeconds = UInt64(clamping: seconds)
    }
    if let refresh = section["ttl_refresh"], let seconds = refresh.integer {
      if seconds <= 0 || UInt64(seconds) >= plan.ttlSeconds {
        log.error(
          at: refresh.mark,
          "coracle.registrator.ttl-refresh must be from 1 to less than ttl, which is \(plan.ttlSeconds)"
        )
      }
      plan.refreshSeconds = UInt64(clamping: seconds)
    }
    if let resync = section["resync"], let seconds = resync.integer {
      if seconds < 0 { log.error(at: resync.mark, "coracle.registrator.resync must be 0 (never) or more seconds") }
      plan.resyncSeconds = UInt64(clamping: seconds)
    }
    if let drain = section["drain"], let seconds = drain.number {
      if seconds < 0 || seconds > Self.longestDrainSeconds {
        log.error(
          at: drain.mark,
          "coracle.registrator.drain must be from 0 to \(Int(Self.longestDrainSeconds)) seconds"
        )
      } else {
        plan.drain = .milliseconds(Int64(seconds * 1_000))
      }
    }
    if let deregister = section["deregister"], let word = deregister.string {
      plan.deregistration = RegistratorPlan.Deregistration(rawValue: word) ?? .always
      if plan.deregistration == .onSuccess, plan.ttlSeconds == 0 {
        log.warning(
          at: deregister.mark,
          "coracle.registrator.deregister: on-success without a ttl leaves records of failed containers for ever"
        )
      }
    }
  }
}
