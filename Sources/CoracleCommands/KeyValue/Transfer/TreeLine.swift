// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire

/// One line of an exported tree: a JSON object.
///
/// ```
/// {"coracle":"tree","version":1,"key":"/","etcdIndex":17}
/// {"key":"/d","dir":true,"ttl":60}
/// {"key":"/d/k","value":"v"}
/// {"end":true,"keys":1,"directories":1}
/// ```
///
/// A directory stands before what is in it. `ttl` is in seconds, as left when the line was written.
enum TreeLine: Equatable, Sendable {
  /// The first line: what was exported, and the store's index then.
  case header(key: String, etcdIndex: UInt64)
  case file(key: String, value: String, ttlSeconds: UInt64?)
  case directory(key: String, ttlSeconds: UInt64?)
  /// The last line, which tells a whole export from one that was cut off.
  case end(keys: Int, directories: Int)

  /// The version of this form.
  static let version = 1

  /// The line of a node.
  init(_ node: NodeView) {
    let ttl = node.ttlSeconds.map { UInt64(max(1, $0)) }
    self =
      node.isDirectory
      ? .directory(key: node.key, ttlSeconds: ttl) : .file(key: node.key, value: node.value ?? "", ttlSeconds: ttl)
  }

  /// Reads a line.
  ///
  /// - Throws: ``CommandFailure`` with what is wrong with it.
  init(_ bytes: some Collection<UInt8>) throws(CommandFailure) {
    let json: JSONValue
    do throws(JSONError) {
      json = try JSONValue.parse(bytes)
    } catch {
      throw CommandFailure("it is no JSON: \(error)")
    }
    if json["coracle"]?.string == "tree" {
      guard json["version"]?.int == Self.version else {
        throw CommandFailure("it is of another version; this program reads version \(Self.version)")
      }
      self = .header(key: json["key"]?.string ?? "/", etcdIndex: json["etcdIndex"]?.uint64 ?? 0)
      return
    }
    if json["end"]?.bool == true {
      self = .end(keys: json["keys"]?.int ?? 0, directories: json["directories"]?.int ?? 0)
      return
    }
    guard let key = json["key"]?.string, key.hasPrefix("/") else {
      throw CommandFailure("it has no \"key\" that begins with a slash")
    }
    var ttl: UInt64?
    if let given = json["ttl"] {
      guard let seconds = given.uint64, seconds > 0 else { throw CommandFailure("its \"ttl\" is no number of seconds") }
      ttl = seconds
    }
    if json["dir"]?.bool == true {
      self = .directory(key: key, ttlSeconds: ttl)
    } else if let value = json["value"]?.string {
      self = .file(key: key, value: value, ttlSeconds: ttl)
    } else {
      throw CommandFailure("it has neither \"value\" nor \"dir\"")
    }
  }

  /// The line, with its line feed.
  var text: String { json.text + "\n" }

  private var json: JSONValue {
    func node(_ key: String, _ content: JSONValue.Field, _ ttl: UInt64?) -> JSONValue {
      .object([.init("key", .string(key)), content] + (ttl.map { [.init("ttl", .unsigned($0))] } ?? []))
    }
    switch self {
    case .header(let key, let index):
      return [
        "coracle": "tree", "version": .integer(Int64(Self.version)), "key": .string(key),
        "etcdIndex": .unsigned(index),
      ]
    case .file(let key, let value, let ttl): return node(key, .init("value", .string(value)), ttl)
    case .directory(let key, let ttl): return node(key, .init("dir", true), ttl)
    case .end(let keys, let directories):
      return ["end": true, "keys": .integer(Int64(keys)), "directories": .integer(Int64(directories))]
    }
  }
}
