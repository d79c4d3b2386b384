// SPDX-License-Identifier: Apache-2.0

extension PlanBuilder {
  /// Plans what is to change on the computer itself.
  ///
  /// Source: specs/cloud-config.md §3.
  mutating func planSystem(_ document: Section, _ coreos: Section) -> SystemPlan {
    reportChanges(document)
    var plan = SystemPlan(hostname: planHostname(document["hostname"]))
    plan.sshAuthorizedKeys = planKeys(document["ssh_authorized_keys"])
    plan.managesEtcHosts = document["manage_etc_hosts"] != nil
    plan.users = planUsers(document["users"]?.sections ?? [])
    plan.files = planFiles(document["write_files"]?.sections ?? [])
    plan.update = variables(coreos, "update", Self.updateVariables)
    plan.locksmith = variables(coreos, "locksmith", Self.locksmithVariables)
    plan.flannel = variables(coreos, "flannel", Self.flannelVariables)
    plan.oem = variables(coreos, "oem", Self.oemVariables)
    if !plan.oem.contains(where: { $0.name == "ID" }) { plan.oem = [] }
    checkStrategy(coreos["update"]?.section?["reboot_strategy"])
    checkWindow(coreos["locksmith"]?.section ?? .absent)
    plan.addresses = addresses.variables
    return plan
  }

  /// Says once that nothing of it happens unasked.
  private mutating func reportChanges(_ document: Section) {
    guard !appliesSystem else { return }
    let names = ["hostname", "ssh_authorized_keys", "users", "write_files", "manage_etc_hosts"]
    let found = names.filter { document[$0] != nil }
    guard let first = found.compactMap({ document[$0]?.keyMark }).min() else { return }
    let list = found.count == 1 ? found[0] : found.dropLast().joined(separator: ", ") + " and " + (found.last ?? "")
    log.info(at: first, "\(list): carried out only by a node with --apply-system")
  }

  // MARK: Host name and keys

  private static let longestHostname = 64

  private mutating func planHostname(_ setting: Setting?) -> String? {
    guard let setting, let text = setting.string, !text.isEmpty else { return nil }
    let name = String(text.trimmingBlanks())
    let isAllowed = name.unicodeScalars.allSatisfy {
      $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "-._".unicodeScalars.contains($0))
    }
    let hasEnds = name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy {
      !$0.isEmpty && $0.first != "-" && $0.last != "-"
    }
    guard isAllowed, hasEnds, name.utf8.count <= Self.longestHostname else {
      log.error(
        at: setting.mark,
        "hostname: \"\(text.prefix(80))\" is no host name: letters, digits, hyphens and dots, at most "
          + "\(Self.longestHostname) together"
      )
      return nil
    }
    return name
  }

  /// Keys of one user, each on a line of its own.
  mutating func planKeys(_ setting: Setting?) -> [String] {
    (setting?.strings ?? []).compactMap { item in
      let key = item.text.split { $0.isNewline }.map { String($0.trimmingBlanks()) }.filter { !$0.isEmpty }
      if key.contains(where: { $0.contains("PRIVATE KEY") }) {
        log.error(at: item.mark, "this is a private key; only the public one (.pub) belongs here")
        return nil
      }
      guard key.count <= 1 else {
        log.error(at: item.mark, "one item is one key on one line; this one has \(key.count) lines")
        return nil
      }
      return key.first
    }
  }

  // MARK: Settings of other programs

  /// Keys and the variables of the environment they become.
  private typealias Names = [(key: String, variable: String)]

  private static let updateVariables: Names = [
    ("group", "GROUP"), ("reboot_strategy", "REBOOT_STRATEGY"), ("server", "SERVER"),
  ]
  private static let locksmithVariables: Names = [
    ("endpoint", "LOCKSMITHD_ENDPOINT"), ("etcd_cafile", "LOCKSMITHD_ETCD_CAFILE"),
    ("etcd_certfile", "LOCKSMITHD_ETCD_CERTFILE"), ("etcd_keyfile", "LOCKSMITHD_ETCD_KEYFILE"),
    ("etcd_password", "LOCKSMITHD_ETCD_PASSWORD"), ("etcd_username", "LOCKSMITHD_ETCD_USERNAME"),
    ("group", "LOCKSMITHD_GROUP"), ("window_length", "REBOOT_WINDOW_LENGTH"), ("window_start", "REBOOT_WINDOW_START"),
  ]
  private static let flannelVariables: Names = [
    ("etcd_cafile", "FLANNELD_ETCD_CAFILE"), ("etcd_certfile", "FLANNELD_ETCD_CERTFILE"),
    ("etcd_endpoints", "FLANNELD_ETCD_ENDPOINTS"), ("etcd_keyfile", "FLANNELD_ETCD_KEYFILE"),
    ("etcd_password", "FLANNELD_ETCD_PASSWORD"), ("etcd_prefix", "FLANNELD_ETCD_PREFIX"),
    ("etcd_username", "FLANNELD_ETCD_USERNAME"), ("interface", "FLANNELD_IFACE"), ("ip_masq", "FLANNELD_IP_MASQ"),
    ("public_ip", "FLANNELD_PUBLIC_IP"), ("subnet_file", "FLANNELD_SUBNET_FILE"),
  ]
  private static let oemVariables: Names = [
    ("bug_report_url", "BUG_REPORT_URL"), ("home_url", "HOME_URL"), ("id", "ID"), ("name", "NAME"),
    ("version_id", "VERSION_ID"),
  ]

  /// The settings of a section that are set, each on one line.
  private mutating func variables(_ coreos: Section, _ part: String, _ names: Names) -> [SystemPlan.Variable] {
    guard let section = coreos[part]?.section else { return [] }
    return names.compactMap { name in
      guard let setting = section[name.key], let value = setting.string, !value.isEmpty else { return nil }
      guard !value.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) else {
        let key = String(name.key.map { $0 == "_" ? "-" : $0 })
        log.error(at: setting.mark, "coreos.\(part).\(key) must be one line of text")
        return nil
      }
      return SystemPlan.Variable(name: name.variable, value: value)
    }
  }

  private mutating func checkStrategy(_ setting: Setting?) {
    guard let setting, setting.string == "best-effort" else { return }
    log.warning(
      at: setting.mark,
      "coreos.update.reboot-strategy: best-effort was taken out of CoreOS; write etcd-lock, reboot or off"
    )
  }

  // MARK: The window of reboots

  private mutating func checkWindow(_ section: Section) {
    if let setting = section["window_start"], let text = setting.string, !text.isEmpty, !Self.isWindowStart(text) {
      log.error(
        at: setting.mark,
        "coreos.locksmith.window-start must be a time of a day or of a week, as in 04:00 or Thu 04:00, "
          + "not \"\(text.prefix(60))\""
      )
    }
    if let setting = section["window_length"], let text = setting.string, !text.isEmpty, !Self.isWindowLength(text) {
      log.error(
        at: setting.mark,
        "coreos.locksmith.window-length must be a length of time, as in 1h30m, not \"\(text.prefix(60))\""
      )
    }
  }

  private static func isWindowStart(_ text: String) -> Bool {
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    guard let time = words.last, words.count <= 2 else { return false }
    if words.count == 2, !["sun", "mon", "tue", "wed", "thu", "fri", "sat"].contains(words[0].lowercased()) {
      return false
    }
    let numbers = time.split(separator: ":", omittingEmptySubsequences: false)
    guard numbers.count == 2, let hour = number(numbers[0]), let minute = number(numbers[1]) else { return false }
    return hour < 24 && minute < 60
  }

  /// One or two digits.
  private static func number(_ text: Substring) -> Int? {
    (1...2).contains(text.count) && text.allSatisfy { ("0"..."9").contains($0) } ? Int(text) : nil
  }

  private static func isWindowLength(_ text: String) -> Bool {
    // Go has no days; CoreOS took them all the same.
    let parts = text.split(separator: "d", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2, let days = Int(parts[0]), days > 0 {
      return parts[1].isEmpty || GoDuration.parse(String(parts[1])).map { $0 >= .zero } ?? false
    }
    return text.last?.isLetter == true && GoDuration.parse(text).map { $0 > .zero } ?? false
  }
}

extension AddressTokens {
  /// The values that are known, as lines of `/etc/environment`.
  var variables: [SystemPlan.Variable] {
    known.filter { !$0.value.isEmpty }
      .map { SystemPlan.Variable(name: "COREOS_\($0.name.uppercased())", value: $0.value) }
  }
}
