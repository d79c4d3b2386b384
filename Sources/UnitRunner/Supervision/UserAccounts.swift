// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// An account of this machine.
struct UserAccount {
  var name: String
  var userID: UInt32
  var groupID: UInt32
  var home: String
  var shell: String
}

/// Looks accounts up; may block, so only on the supervision's thread.
enum UserAccounts {
  /// Why a unit's user cannot be taken on.
  enum Problem: Error {
    case noUser(String)
    case noGroup(String)

    /// systemd's exit code for it.
    var exitCode: Int32 {
      switch self {
      case .noUser: 217
      case .noGroup: 216
      }
    }

    var text: String {
      switch self {
      case .noUser(let name): "there is no user \"\(name)\" on this machine"
      case .noGroup(let name): "there is no group \"\(name)\" on this machine"
      }
    }
  }

  /// Whom a user means, by name or number; a number stands for itself, whether or not somebody has it.
  static func account(_ text: String) -> UserAccount? {
    known(text) ?? UInt32(text).map { UserAccount(name: text, userID: $0, groupID: $0, home: "/", shell: "") }
  }

  /// The account of a user by name or number; nil when there is none.
  static func known(_ text: String) -> UserAccount? {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 64 << 10)
    let status =
      if let number = UInt32(text) {
        getpwuid_r(number, &entry, &buffer, buffer.count, &found)
      } else {
        getpwnam_r(text, &entry, &buffer, buffer.count, &found)
      }
    guard status == 0, found != nil else { return nil }
    return UserAccount(
      name: String(cString: entry.pw_name),
      userID: entry.pw_uid,
      groupID: entry.pw_gid,
      home: String(cString: entry.pw_dir),
      shell: String(cString: entry.pw_shell)
    )
  }

  /// Whom a unit's processes run as; nil when it does not say.
  static func identity(
    for settings: ExecutionSettings,
    account: UserAccount?
  ) throws(Problem) -> UserIdentity? {
    guard settings.user != nil || settings.group != nil || !settings.supplementaryGroups.isEmpty else { return nil }
    if let user = settings.user, account == nil { throw .noUser(user) }
    let userID = account?.userID ?? getuid()
    var groupID = account?.groupID ?? getgid()
    if let name = settings.group { groupID = try group(name) }
    var groups = account.map { memberships($0, groupID) } ?? [groupID]
    for name in settings.supplementaryGroups {
      let number = try group(name)
      if !groups.contains(number) { groups.append(number) }
    }
    return UserIdentity(userID: userID, groupID: groupID, groups: groups)
  }

  /// The name of a group by its number; nil when it has none.
  static func groupName(_ number: UInt32) -> String? {
    var entry = Glibc.group()
    var found: UnsafeMutablePointer<Glibc.group>?
    var buffer = [CChar](repeating: 0, count: 64 << 10)
    guard getgrgid_r(number, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
    return String(cString: entry.gr_name)
  }

  private static func group(_ text: String) throws(Problem) -> UInt32 {
    if let number = UInt32(text) { return number }
    var entry = Glibc.group()
    var found: UnsafeMutablePointer<Glibc.group>?
    var buffer = [CChar](repeating: 0, count: 64 << 10)
    guard getgrnam_r(text, &entry, &buffer, buffer.count, &found) == 0, found != nil else { throw .noGroup(text) }
    return entry.gr_gid
  }

  private static func memberships(_ account: UserAccount, _ groupID: UInt32) -> [UInt32] {
    var count: Int32 = 256
    var groups = [gid_t](repeating: 0, count: Int(count))
    guard getgrouplist(account.name, groupID, &groups, &count) >= 0 else { return [groupID] }
    return Array(groups.prefix(Int(count)))
  }
}
