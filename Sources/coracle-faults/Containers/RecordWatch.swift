// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Foundation
import Synchronization
import TestKit

/// A recursive watch of all service records, taken up at another member when one is away.
final class RecordWatch: Sendable {
  /// What the watch was told.
  struct Event: Sendable {
    var action: String
    var key: String
    var value: String?
    var previous: String?
    var index: UInt64

    var text: String { "\(action) \(key) \(previous ?? "-") -> \(value ?? "-") at \(index)" }
  }

  private let contents = Mutex<[Event]>([])

  /// What was told so far.
  var events: [Event] { contents.withLock { $0 } }

  /// Events that wrote what was there already: somebody was woken for nothing.
  var needless: [Event] { events.filter { $0.value != nil && $0.value == $0.previous } }

  /// Watches until it is cancelled.
  func run(_ endpoints: [String], from namespace: String) async {
    var place = 0
    var next: UInt64?
    while !Task.isCancelled {
      let endpoint = endpoints[place % endpoints.count]
      let query = next.map { "?recursive=true&wait=true&waitIndex=\($0)" } ?? "?recursive=true"
      // A watch of what is nowhere yet waits too; a look at it tells where to begin.
      let words = ["curl", "-s", "-i", "-m", "3", "\(endpoint)/v2/keys/services\(query)"]
      let answer = try? await TestKit.run(["nsenter", "--net=/run/netns/\(namespace)"] + words, within: .seconds(10))
      guard let text = answer?.output, !text.isEmpty else {
        place += 1
        try? await Task.sleep(for: .milliseconds(50))
        continue
      }
      let index = text.split(separator: "\r\n").first { $0.lowercased().hasPrefix("x-etcd-index:") }
        .flatMap { UInt64($0.split(separator: " ").last ?? "") }
      guard next != nil else {
        next = index.map { $0 + 1 }
        continue
      }
      guard let brace = text.firstIndex(of: "{"), let json = try? JSONValue.parse(Array(text[brace...].utf8)) else {
        // Nothing has happened for a while, or the member went away.
        if answer?.status != 28 { place += 1 }
        continue
      }
      if let event = Event(json) {
        contents.withLock { $0.append(event) }
        next = event.index + 1
      } else {
        // History does not reach so far back.
        if json["errorCode"]?.uint64 == 401 { next = index.map { $0 + 1 } }
        try? await Task.sleep(for: .milliseconds(50))
      }
    }
  }
}

extension RecordWatch.Event {
  fileprivate init?(_ json: JSONValue) {
    guard let action = json["action"]?.string, let node = json["node"], let key = node["key"]?.string,
      let index = node["modifiedIndex"]?.uint64
    else { return nil }
    self.action = action
    self.key = key
    self.index = index
    value = node["value"]?.string
    previous = json["prevNode"]?["value"]?.string
  }
}
