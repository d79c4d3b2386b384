// SPDX-License-Identifier: Apache-2.0

/// A user as the computer knows it.
struct Account: Equatable {
  var name: String
  var owner: FileOwner
  var home: String
}

/// The users and groups of a computer.
///
/// coracle edits these files itself, on the running computer and in trees alike: `useradd` is not on every host, knows no
/// trees without a C library of their own in them, and cannot say beforehand what it would do.
struct AccountFiles: Equatable {
  static let directory = "/etc"

  var users: AccountTable
  var groups: AccountTable
  /// Passwords of users; nil when they stand in ``users``.
  var userSecrets: AccountTable?
  /// Passwords of groups; nil when they stand in ``groups``.
  var groupSecrets: AccountTable?

  // MARK: Looking

  func user(named name: String) -> Account? {
    users.row(named: name).flatMap(Self.account)
  }

  func userName(_ id: UInt32) -> String? {
    users.rows.first { $0.count > 2 && UInt32($0[2]) == id }?.first
  }

  func groupID(named name: String) -> UInt32? {
    groups.row(named: name).flatMap { $0.count > 2 ? UInt32($0[2]) : nil }
  }

  func groupName(_ id: UInt32) -> String? {
    groups.rows.first { $0.count > 2 && UInt32($0[2]) == id }?.first
  }

  private static func account(_ fields: [String]) -> Account? {
    guard fields.count > 5, let user = UInt32(fields[2]), let group = UInt32(fields[3]) else { return nil }
    return Account(name: fields[0], owner: FileOwner(userID: user, groupID: group), home: fields[5])
  }

  // MARK: Ids

  /// An id that no user has; nil when all are taken.
  func freeUserID(_ range: ClosedRange<UInt32>, isSystem: Bool) -> UInt32? {
    Self.free(in: range, taken: Set(users.rows.compactMap { $0.count > 2 ? UInt32($0[2]) : nil }), isSystem: isSystem)
  }

  /// An id that no group has, the preferred one if it is free; nil when all are taken.
  func freeGroupID(_ range: ClosedRange<UInt32>, isSystem: Bool, preferred: UInt32? = nil) -> UInt32? {
    let taken = Set(groups.rows.compactMap { $0.count > 2 ? UInt32($0[2]) : nil })
    if let preferred, !taken.contains(preferred) { return preferred }
    return Self.free(in: range, taken: taken, isSystem: isSystem)
  }

  /// People's ids grow from the highest in use, daemons' fall from the lowest, as `useradd` has it; then gaps are filled.
  private static func free(in range: ClosedRange<UInt32>, taken: Set<UInt32>, isSystem: Bool) -> UInt32? {
    let used = taken.filter(range.contains)
    if isSystem {
      if let lowest = used.min() {
        if lowest > range.lowerBound { return lowest - 1 }
      } else {
        return range.upperBound
      }
      return range.reversed().first { !used.contains($0) }
    }
    if let highest = used.max() {
      if highest < range.upperBound { return highest + 1 }
    } else {
      return range.lowerBound
    }
    return range.first { !used.contains($0) }
  }

  // MARK: Changing

  mutating func addGroup(named name: String, id: UInt32) {
    groups.append([name, "x", String(id), ""])
    groupSecrets?.remove(named: name)
    groupSecrets?.append([name, "!", "", ""])
  }

  /// Adds a user whose name is not taken.
  mutating func addUser(
    _ account: Account,
    hash: String,
    remarks: String,
    shell: String,
    days: [String],
    today: Int
  ) {
    let isShadowed = userSecrets != nil
    users.append([
      account.name, isShadowed ? "x" : hash, String(account.owner.userID), String(account.owner.groupID), remarks,
      account.home, shell,
    ])
    userSecrets?.remove(named: account.name)
    userSecrets?.append([account.name, hash, String(today)] + days + ["", "", ""])
  }

  mutating func addMember(_ user: String, to group: String) {
    guard let row = groups.row(named: group) else { return }
    groups.set(3, of: group, to: Self.adding(user, to: row.count > 3 ? row[3] : ""))
    guard let secrets = groupSecrets?.row(named: group) else { return }
    groupSecrets?.set(3, of: group, to: Self.adding(user, to: secrets.count > 3 ? secrets[3] : ""))
  }

  mutating func setHash(_ hash: String, of user: String, today: Int) {
    guard hash != self.hash(of: user) else { return }
    if userSecrets == nil {
      users.set(1, of: user, to: hash)
      return
    }
    if userSecrets?.row(named: user) == nil { userSecrets?.append([user, "", "", "0", "99999", "7", "", "", ""]) }
    userSecrets?.set(1, of: user, to: hash)
    userSecrets?.set(2, of: user, to: String(today))
    users.set(1, of: user, to: "x")
  }

  /// The password's hash, wherever it counts.
  private func hash(of user: String) -> String? {
    guard let row = users.row(named: user), row.count > 1 else { return nil }
    guard let userSecrets, row[1] == "x" else { return userSecrets == nil ? row[1] : nil }
    return userSecrets.row(named: user).flatMap { $0.count > 1 ? $0[1] : nil }
  }

  private static func adding(_ user: String, to members: String) -> String {
    let names = members.split(separator: ",").map(String.init)
    return names.contains(user) ? members : (names + [user]).joined(separator: ",")
  }
}
