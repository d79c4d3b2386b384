// SPDX-License-Identifier: Apache-2.0
import EtcdStore

/// The commands on keys.
///
/// Source: etcd v2.3.8 `etcdctl/command/`; specs §20.
extension EtcdctlInvocation {
  /// The action of a command; nil when the name is none's.
  static func keyCommand(
    _ name: String,
    _ words: ArraySlice<String>,
    _ readValue: () -> String?
  ) throws(EtcdctlUsageError) -> KeyValueAction? {
    switch name {
    case "get", "ls", "watch": try readingCommand(name, words)
    case "set", "mk", "update": try writingCommand(name, words, readValue)
    case "mkdir", "setdir", "updatedir", "rm", "rmdir": try directoryCommand(name, words)
    default: nil
    }
  }

  private static func readingCommand(
    _ name: String,
    _ words: ArraySlice<String>
  ) throws(EtcdctlUsageError) -> KeyValueAction? {
    switch name {
    case "get":
      let flags = try EtcdctlFlags(words, [.toggle("sort"), .toggle("quorum", "q")])
      return .get(key: try key(flags), sorted: try flags.isSet("sort"), quorum: try flags.isSet("quorum"))
    case "ls":
      let known: [EtcdctlFlags.Specification] = [
        .toggle("sort"), .toggle("recursive", "r"), .toggle("p"), .toggle("quorum", "q"),
      ]
      let flags = try EtcdctlFlags(words, known)
      return .list(
        key: flags.arguments.first ?? "/",
        recursive: try flags.isSet("recursive"),
        sorted: try flags.isSet("sort"),
        quorum: try flags.isSet("quorum"),
        markDirectories: try flags.isSet("p")
      )
    default:
      let flags = try EtcdctlFlags(words, [.toggle("forever", "f"), .value("after-index"), .toggle("recursive", "r")])
      return .watch(
        key: try key(flags),
        recursive: try flags.isSet("recursive"),
        forever: try flags.isSet("forever"),
        afterIndex: try flags.number("after-index")
      )
    }
  }

  private static func writingCommand(
    _ name: String,
    _ words: ArraySlice<String>,
    _ readValue: () -> String?
  ) throws(EtcdctlUsageError) -> KeyValueAction? {
    switch name {
    case "set":
      let flags = try EtcdctlFlags(words, [.value("ttl"), .value("swap-with-value"), .value("swap-with-index")])
      let condition = comparison(value: flags["swap-with-value"], index: try flags.number("swap-with-index"))
      let (key, value) = (try key(flags), try value(flags, readValue))
      return .set(key, value, ttl: try flags.number("ttl"), comparison: condition)
    case "mk":
      let flags = try EtcdctlFlags(words, [.toggle("in-order"), .value("ttl")])
      let (key, value) = (try key(flags), try value(flags, readValue))
      return .make(key, value, ttl: try flags.number("ttl"), inOrder: try flags.isSet("in-order"))
    default:
      let flags = try EtcdctlFlags(words, [.value("ttl")])
      return .update(try key(flags), try value(flags, readValue), ttl: try flags.number("ttl"))
    }
  }

  private static func directoryCommand(
    _ name: String,
    _ words: ArraySlice<String>
  ) throws(EtcdctlUsageError) -> KeyValueAction? {
    switch name {
    case "rm":
      let known: [EtcdctlFlags.Specification] = [
        .toggle("dir"), .toggle("recursive", "r"), .value("with-value"), .value("with-index"),
      ]
      let flags = try EtcdctlFlags(words, known)
      return .remove(
        try key(flags),
        isDirectory: try flags.isSet("dir"),
        recursive: try flags.isSet("recursive"),
        comparison: comparison(value: flags["with-value"], index: try flags.number("with-index"))
      )
    case "rmdir":
      let flags = try EtcdctlFlags(words, [])
      return .remove(try key(flags), isDirectory: true, recursive: false, comparison: nil)
    default:
      let flags = try EtcdctlFlags(words, [.value("ttl")])
      let (key, ttl) = (try key(flags), try flags.number("ttl"))
      switch name {
      case "mkdir": return .makeDirectory(key, ttl: ttl)
      case "setdir": return .setDirectory(key, ttl: ttl)
      default: return .updateDirectory(key, ttl: ttl)
      }
    }
  }

  private static func key(_ flags: EtcdctlFlags) throws(EtcdctlUsageError) -> String {
    guard let key = flags.arguments.first else { throw EtcdctlUsageError(message: "key required") }
    return key
  }

  private static func value(
    _ flags: EtcdctlFlags,
    _ readValue: () -> String?
  ) throws(EtcdctlUsageError) -> String {
    if flags.arguments.count > 1 { return flags.arguments[1] }
    guard let value = readValue() else { throw EtcdctlUsageError(message: "value required") }
    return value
  }
}
