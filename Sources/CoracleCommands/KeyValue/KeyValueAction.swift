// SPDX-License-Identifier: Apache-2.0
import EtcdStore

/// One command on keys, parsed; `coracle kv` and `etcdctl` share it.
enum KeyValueAction: Sendable, Equatable {
  /// Prints the value of a file.
  case get(key: String, sorted: Bool, quorum: Bool)
  /// Prints the keys below a directory, with `markDirectories` with a slash behind those of directories.
  case list(key: String, recursive: Bool, sorted: Bool, quorum: Bool, markDirectories: Bool)
  /// Writes a file and prints its value.
  case write(key: String, KeysWrite)
  /// Writes a directory, which prints nothing in the simple form.
  case writeDirectory(key: String, KeysWrite)
  /// Removes a key and prints the value it had.
  case remove(key: String, KeysWrite)
  /// Prints changes as they come: one, or with `forever` all.
  case watch(key: String, recursive: Bool, forever: Bool, afterIndex: UInt64)
  /// Runs a command for each change.
  case execWatch(key: String, recursive: Bool, afterIndex: UInt64, command: [String])
}

/// How long a key lives by a `--ttl` of the command line, where 0 means for ever.
func timeToLive(_ seconds: UInt64) -> TTLChange {
  seconds == 0 ? .permanent : .seconds(seconds)
}

/// The condition of two flags; nil when neither is given.
func comparison(value: String?, index: UInt64?) -> Comparison? {
  let value = value.flatMap { $0.isEmpty ? nil : $0 }
  let index = index.flatMap { $0 == 0 ? nil : EtcdIndex($0) }
  return value == nil && index == nil ? nil : Comparison(previousValue: value, previousIndex: index)
}

extension KeyValueAction {
  /// `set`: replaces a file, or swaps it when the condition holds.
  static func set(_ key: String, _ value: String, ttl: UInt64, comparison: Comparison?) -> KeyValueAction {
    if let comparison {
      let swap = KeysWrite.compareAndSwap(value: value, comparison: comparison, ttl: timeToLive(ttl), refresh: false)
      return .write(key: key, swap)
    }
    return .write(key: key, .set(value: value, isDirectory: false, ttl: timeToLive(ttl), refresh: false))
  }

  /// `mk`: creates a file, or with `inOrder` a child named by its index.
  static func make(_ key: String, _ value: String, ttl: UInt64, inOrder: Bool) -> KeyValueAction {
    let ttl = timeToLive(ttl)
    if inOrder { return .write(key: key, .createInOrder(value: value, isDirectory: false, ttl: ttl)) }
    return .write(key: key, .create(value: value, isDirectory: false, ttl: ttl))
  }

  /// `update`: changes a file that exists.
  static func update(_ key: String, _ value: String, ttl: UInt64) -> KeyValueAction {
    .write(key: key, .update(value: value, ttl: timeToLive(ttl), refresh: false))
  }

  /// `mkdir`: creates a directory.
  static func makeDirectory(_ key: String, ttl: UInt64) -> KeyValueAction {
    .writeDirectory(key: key, .create(value: "", isDirectory: true, ttl: timeToLive(ttl)))
  }

  /// `setdir`: creates a directory or puts one in place of a file.
  static func setDirectory(_ key: String, ttl: UInt64) -> KeyValueAction {
    .writeDirectory(key: key, .set(value: "", isDirectory: true, ttl: timeToLive(ttl), refresh: false))
  }

  /// `updatedir`: changes how long a directory lives.
  static func updateDirectory(_ key: String, ttl: UInt64) -> KeyValueAction {
    .writeDirectory(key: key, .update(value: nil, ttl: timeToLive(ttl), refresh: false))
  }

  /// `rm`: removes a file, an empty directory, a tree, or a file for which the condition holds.
  static func remove(
    _ key: String,
    isDirectory: Bool,
    recursive: Bool,
    comparison: Comparison?
  ) -> KeyValueAction {
    if let comparison { return .remove(key: key, .compareAndDelete(comparison: comparison)) }
    return .remove(key: key, .delete(isDirectory: isDirectory, recursive: recursive))
  }
}
