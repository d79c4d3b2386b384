// SPDX-License-Identifier: Apache-2.0
@testable import EtcdStore

/// A moment by its seconds.
func seconds(_ seconds: Double) -> Timestamp {
  Timestamp(nanosecondsSinceEpoch: Int64(seconds * 1_000_000_000))
}

/// Short forms of what tests do to stores.
extension Store {
  @discardableResult
  mutating func write(
    _ key: String,
    _ write: KeysWrite,
    at stamp: Timestamp = seconds(1_000)
  ) -> Result<Event, EtcdError>? {
    apply(.write(key: key, write), at: stamp).result
  }

  @discardableResult
  mutating func set(
    _ key: String,
    _ value: String = "",
    dir: Bool = false,
    ttl: TTLChange = .permanent,
    refresh: Bool = false,
    at stamp: Timestamp = seconds(1_000)
  ) -> Result<Event, EtcdError>? {
    write(key, .set(value: value, isDirectory: dir, ttl: ttl, refresh: refresh), at: stamp)
  }

  @discardableResult
  mutating func delete(_ key: String, dir: Bool = false, recursive: Bool = false) -> Result<Event, EtcdError>? {
    write(key, .delete(isDirectory: dir, recursive: recursive))
  }

  /// The keys a listing shows, depth first.
  func keys(_ key: String, recursive: Bool = true, sorted: Bool = false) throws -> [String] {
    func flatten(_ node: NodeView) -> [String] {
      (node.nodes ?? []).flatMap { [$0.key] + flatten($0) }
    }
    return flatten(try get(key, recursive: recursive, sorted: sorted, at: seconds(1_000)).node)
  }
}

/// The error of a failed write as `code cause [index]`; nil when it did not fail.
func failure(_ result: Result<Event, EtcdError>?) -> String? {
  guard case .failure(let error)? = result else { return nil }
  return "\(error.code.rawValue) \(error.cause) [\(error.index)]"
}

/// A file's view with equal indexes.
func file(_ key: String, _ value: String, modified: UInt64, created: UInt64) -> NodeView {
  NodeView(key: key, value: value, modifiedIndex: EtcdIndex(modified), createdIndex: EtcdIndex(created))
}

/// A directory's view.
func directory(_ key: String, modified: UInt64, created: UInt64) -> NodeView {
  NodeView(key: key, isDirectory: true, modifiedIndex: EtcdIndex(modified), createdIndex: EtcdIndex(created))
}
