// SPDX-License-Identifier: Apache-2.0
import EtcdWire

/// What the same watch brought on both servers.
struct WatchedEvents {
  var request: RequestTemplate
  var events: (coracle: [JSONValue], etcd: [JSONValue])
  /// Whether more may come.
  var isOpen: (coracle: Bool, etcd: Bool)
  var updatedDirectories: Set<String>

  var agrees: Bool { events.coracle == events.etcd && isOpen == (isOpen.etcd, isOpen.etcd) }

  var report: String {
    func text(_ events: [JSONValue], _ isOpen: Bool) -> String {
      events.map(\.text).joined(separator: " ") + (isOpen ? " …" : " end")
    }
    return """
      \(request.summary)
        coracle: \(text(events.coracle, isOpen.coracle))
        etcd:    \(text(events.etcd, isOpen.etcd))
      """
  }

  /// The watched key, decoded; nil when the target is not one.
  var key: String { RequestTarget(RequestTemplate.replacingMarks(request.target, offset: 0))?.key ?? "" }

  var isFromHistory: Bool { request.target.contains("waitIndex=") }
}

/// A difference of watches that is meant, with its reason.
struct WatchRule: Sendable {
  let name: String
  let reason: String
  let explains: @Sendable (WatchedEvents) -> Bool

  /// The rules, in the order in which they are tried.
  static let all: [WatchRule] = [
    WatchRule(
      name: "modifiedIndex of an updated directory",
      reason: "as in answers: etcd does not keep the index it answered"
    ) { watched in
      let keys = watched.updatedDirectories.union(watched.events.coracle.compactMap { $0["node"]?["key"]?.string })
      return watched.isOpen == (watched.isOpen.etcd, watched.isOpen.etcd)
        && watched.events.coracle.map { $0.forgettingPreviousIndex(of: keys) }
          == watched.events.etcd.map { $0.forgettingPreviousIndex(of: keys) }
    },
    WatchRule(
      name: "stream from the history",
      reason: "etcd delivers one event from the history and then nothing; ours goes on"
    ) { watched in
      watched.isFromHistory && watched.request.target.contains("stream=") && watched.events.etcd.count <= 1
        && watched.events.coracle.starts(with: watched.events.etcd)
    },
    WatchRule(
      name: "removal told twice",
      reason: "etcd's streams tell the removal of their own key twice"
    ) { watched in
      var once: [JSONValue] = []
      for event in watched.events.etcd where once.last != event { once.append(event) }
      return once == watched.events.coracle && once.count < watched.events.etcd.count
    },
    WatchRule(
      name: "hidden keys in the history",
      reason: "etcd's history shows hidden keys that a live watch does not"
    ) { watched in
      guard watched.isFromHistory, let first = watched.events.etcd.first?["node"]?["key"]?.string else { return false }
      let below = first.dropFirst(watched.key == "/" ? 0 : watched.key.count)
      return first.hasPrefix(watched.key) && below.contains("/_")
        && !watched.events.coracle.contains { $0["node"]?["key"]?.string == first }
    },
    WatchRule(
      name: "removal of a text prefix in the history",
      reason: "etcd's history takes the removal of /ab for one that concerns /abcd"
    ) { watched in
      guard watched.isFromHistory, let first = watched.events.etcd.first, let key = first["node"]?["key"]?.string,
        ["delete", "expire"].contains(first["action"]?.string)
      else { return false }
      return watched.key.hasPrefix(key) && watched.key != key && !watched.key.hasPrefix(key + "/")
    },
  ]
}

extension JSONValue {
  /// An event without the modifiedIndex of the directory that was there before.
  fileprivate func forgettingPreviousIndex(of keys: Set<String>) -> JSONValue {
    guard case .object(let fields) = self else { return self }
    return .object(
      fields.map { field in
        field.name == "prevNode" ? Field(field.name, field.value.forgettingIndexes(of: keys)) : field
      }
    )
  }
}
