// SPDX-License-Identifier: Apache-2.0
import EtcdStore

/// The commands on keys.
///
/// Source: etcd v3.4.23 `etcdctl/ctlv2/command/`; specs §20.
extension KeyValueAction {
  /// The action of a command.
  ///
  /// - Throws: ``EtcdctlUsageError`` when an argument is missing.
  init(_ name: String, _ flags: EtcdctlFlags, _ readValue: () -> String?) throws(EtcdctlUsageError) {
    switch name {
    case "get", "ls", "watch", "exec-watch": self = try Self.reading(name, flags)
    case "set", "mk", "update": self = try Self.writing(name, flags, readValue)
    default: self = try Self.changing(name, flags)
    }
  }

  private static func reading(_ name: String, _ flags: EtcdctlFlags) throws(EtcdctlUsageError) -> KeyValueAction {
    switch name {
    case "get": return .get(key: try key(flags), sorted: flags.isSet("sort"), quorum: flags.isSet("quorum"))
    case "ls":
      return .list(
        key: flags.arguments.first ?? "/",
        recursive: flags.isSet("recursive"),
        sorted: flags.isSet("sort"),
        quorum: flags.isSet("quorum"),
        markDirectories: flags.isSet("p")
      )
    case "watch":
      return .watch(
        key: try key(flags),
        recursive: flags.isSet("recursive"),
        forever: flags.isSet("forever"),
        afterIndex: flags.index("after-index")
      )
    default:
      let words = flags.arguments.filter { $0 != "--" }
      guard words.count >= 2 else { throw EtcdctlUsageError(message: "key and command to exec required") }
      // A `--` behind the key is ours; later ones belong to the command.
      let command = Array(flags.arguments.dropFirst().drop { $0 == "--" })
      return .execWatch(
        key: words[0],
        recursive: flags.isSet("recursive"),
        afterIndex: flags.index("after-index"),
        command: command
      )
    }
  }

  private static func writing(
    _ name: String,
    _ flags: EtcdctlFlags,
    _ readValue: () -> String?
  ) throws(EtcdctlUsageError) -> KeyValueAction {
    let key = try key(flags)
    let arguments = flags.arguments
    let given = arguments.count > 1 ? arguments[1] : readValue()
    guard let value = given else { throw EtcdctlUsageError(message: "value required") }
    let ttl = flags.timeToLive("ttl")
    switch name {
    case "set":
      let condition = comparison(value: flags["swap-with-value"], index: flags.index("swap-with-index"))
      return .set(key, value, ttl: ttl, comparison: condition)
    case "mk": return .make(key, value, ttl: ttl, inOrder: flags.isSet("in-order"))
    default: return .update(key, value, ttl: ttl)
    }
  }

  private static func changing(_ name: String, _ flags: EtcdctlFlags) throws(EtcdctlUsageError) -> KeyValueAction {
    let (key, ttl) = (try key(flags), flags.timeToLive("ttl"))
    switch name {
    case "mkdir": return .makeDirectory(key, ttl: ttl)
    case "setdir": return .setDirectory(key, ttl: ttl)
    case "updatedir": return .updateDirectory(key, ttl: ttl)
    case "rmdir": return .remove(key, isDirectory: true, recursive: false, comparison: nil)
    default:
      return .remove(
        key,
        isDirectory: flags.isSet("dir"),
        recursive: flags.isSet("recursive"),
        comparison: comparison(value: flags["with-value"], index: flags.index("with-index"))
      )
    }
  }

  private static func key(_ flags: EtcdctlFlags) throws(EtcdctlUsageError) -> String {
    guard let key = flags.arguments.first else { throw EtcdctlUsageError(message: "key required") }
    return key
  }
}
