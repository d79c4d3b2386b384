// SPDX-License-Identifier: Apache-2.0

/// `users[]`.
///
/// Source: specs/cloud-config.md §3; what useradd takes for a name.
extension PlanBuilder {
  mutating func planUsers(_ sections: [Section]) -> [SystemPlan.User] {
    var users: [SystemPlan.User] = []
    var places: [String: SourceMark] = [:]
    for section in sections {
      guard let setting = section["name"], let name = setting.string, !name.isEmpty else {
        log.error(at: section.mark, "a user needs a name, as in \"name: elroy\"")
        continue
      }
      guard Self.isAccountName(name) else {
        log.error(at: setting.mark, "\"\(name.prefix(60))\" cannot be the name of a user")
        continue
      }
      if let first = places[name] {
        log.warning(
          at: setting.mark,
          "the user \"\(name)\" stands here again, first on line \(log.line(of: first)); of this one only passwd and "
            + "ssh-authorized-keys count"
        )
      }
      places[name] = places[name] ?? setting.mark
      users.append(planUser(name, section))
    }
    return users
  }

  private mutating func planUser(_ name: String, _ section: Section) -> SystemPlan.User {
    var user = SystemPlan.User(name: name)
    user.passwordHash = planPassword(section["passwd"])
    user.sshAuthorizedKeys = planKeys(section["ssh_authorized_keys"])
    user.remarks = planRemarks(section["gecos"])
    user.homeDirectory = planPath(section["homedir"], "users[].homedir")
    user.shell = planPath(section["shell"], "users[].shell")
    user.makesHome = !(section["no_create_home"]?.boolean ?? false)
    user.makesOwnGroup = !(section["no_user_group"]?.boolean ?? false)
    user.isSystem = section["system"]?.boolean ?? false
    user.entersLoginLogs = !(section["no_log_init"]?.boolean ?? false)
    if let setting = section["primary_group"], let group = setting.string, !group.isEmpty {
      user.primaryGroup = planGroup(group, at: setting.mark)
    }
    user.groups = (section["groups"]?.strings ?? []).compactMap { planGroup($0.text, at: $0.mark) }
    return user
  }

  private mutating func planPassword(_ setting: Setting?) -> String? {
    guard let setting, let hash = setting.string, !hash.isEmpty else { return nil }
    guard !hash.unicodeScalars.contains(where: { $0 == ":" || $0.value <= 0x20 || $0.value >= 0x7f }) else {
      log.error(at: setting.mark, "users[].passwd must be a hash as crypt makes it, as in $6$salt$…, without blanks")
      return nil
    }
    // Thirteen letters are what crypt made first; "!" and "*" lock the account.
    if hash.first != "$", hash.first != "!", hash.first != "*", hash.first != "_", hash.utf8.count != 13 {
      log.warning(
        at: setting.mark,
        "users[].passwd is no hash as crypt makes it (mkpasswd does), so no password fits it"
      )
    }
    return hash
  }

  private mutating func planRemarks(_ setting: Setting?) -> String? {
    guard let setting, let text = setting.string, !text.isEmpty else { return nil }
    guard !text.unicodeScalars.contains(where: { $0 == ":" || $0.value < 0x20 || $0.value == 0x7f }) else {
      log.error(at: setting.mark, "users[].gecos must be one line without \":\"")
      return nil
    }
    return text
  }

  private mutating func planPath(_ setting: Setting?, _ key: String) -> String? {
    guard let setting, let text = setting.string, !text.isEmpty else { return nil }
    guard Self.isAbsolutePath(text), !text.contains(":") else {
      log.error(at: setting.mark, "\(key): the path \"\(text.prefix(80))\" must be absolute, without \"..\"")
      return nil
    }
    return text
  }

  private mutating func planGroup(_ name: String, at mark: SourceMark) -> String? {
    guard Self.isAccountName(name) || (name.utf8.count < 10 && name.utf8.allSatisfy { (0x30...0x39).contains($0) })
    else {
      log.error(at: mark, "\"\(name.prefix(60))\" cannot be the name of a group; a list has one name in each item")
      return nil
    }
    return name
  }

  private static let longestAccountName = 32

  /// Whether a text can name a user or a group.
  static func isAccountName(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    guard let first = bytes.first, bytes.count <= longestAccountName else { return false }
    func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) || byte == UInt8(ascii: "_") }
    func isInside(_ byte: UInt8) -> Bool { isLetter(byte) || (0x30...0x39).contains(byte) || "-.".utf8.contains(byte) }
    let rest = bytes.last == UInt8(ascii: "$") ? bytes.dropFirst().dropLast() : bytes.dropFirst()
    return isLetter(first) && rest.allSatisfy(isInside)
  }

  /// Whether a text is a path from the root that stays where it says.
  static func isAbsolutePath(_ path: String) -> Bool {
    path.hasPrefix("/") && !path.split(separator: "/").contains("..")
      && !path.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }
  }
}
