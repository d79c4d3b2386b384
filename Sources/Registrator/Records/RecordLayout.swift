// SPDX-License-Identifier: Apache-2.0
import EtcdWire

/// Where a service stands in the store, and what stands there.
///
/// Source: registrator's backends etcd and skydns2, vulcand's layout; specs/registrator.md §2 and §9.
struct RecordLayout {
  let configuration: RegistratorConfiguration

  /// The directories that hold records; they themselves are never removed.
  var roots: [String] {
    let prefix = configuration.prefix
    return switch configuration.format {
    case .etcd: [prefix]
    case .json: [prefix, prefix + "-meta"]
    case .vulcand: [prefix + "/backends"]
    case .skydns2:
      [([prefix] + configuration.domain.split(separator: ".").reversed().map(String.init)).joined(separator: "/")]
    }
  }

  /// Values by key of one service; none when it cannot be told in this format.
  func values(of record: ServiceRecord) -> [String: String] {
    switch configuration.format {
    case .etcd: pair(record.key(below: roots[0]), record.address)
    case .json:
      pair(record.key(below: roots[0]), record.address)
        .merging(pair(record.key(below: roots[1]), sideValue(of: record))) { first, _ in first }
    case .skydns2:
      pair(
        record.key(below: roots[0]),
        JSONValue.fields(["host": .string(record.ip), "port": .integer(Int64(record.port))]).text
      )
    case .vulcand: vulcandServer(record)
    }
  }

  private func pair(_ key: String?, _ value: String) -> [String: String] {
    key.map { [$0: value] } ?? [:]
  }

  /// A proxy for HTTP has no use for UDP, and its names are one part of a key each.
  private func vulcandServer(_ record: ServiceRecord) -> [String: String] {
    let name = ServiceRecord.segments(record.name).joined(separator: "-")
    let id = ServiceRecord.segments(record.id).joined(separator: "-")
    guard record.transport == "tcp", !name.isEmpty, !id.isEmpty else { return [:] }
    let url = JSONValue.fields(["URL": .string("http://\(record.address)")]).text
    return ["\(roots[0])/\(name)/servers/\(id)": url]
  }

  /// The record that all machines with servers of a vulcand backend share; nil for other keys.
  func sharedRecord(beside key: String) -> (key: String, value: String)? {
    guard configuration.format == .vulcand, key.hasPrefix(roots[0] + "/") else { return nil }
    let parts = key.dropFirst(roots[0].count + 1).split(separator: "/")
    guard parts.count == 3, parts[1] == "servers" else { return nil }
    return ("\(roots[0])/\(parts[0])/backend", #"{"Type":"http"}"#)
  }

  /// What is known of a service beside its address.
  private func sideValue(of record: ServiceRecord) -> String {
    var fields: [JSONValue.Field] = [
      .init("id", .string(record.id)), .init("name", .string(record.name)), .init("ip", .string(record.ip)),
      .init("port", .integer(Int64(record.port))), .init("transport", .string(record.transport)),
      .init("tags", .strings(record.tags)),
      .init(
        "attributes",
        .object(record.attributes.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) })
      ),
    ]
    if let health = record.health { fields.append(.init("health", .string(health))) }
    if let unit = record.unit { fields.append(.init("unit", .string(unit))) }
    if let container = record.container { fields.append(.init("container", .string(container))) }
    fields.append(.init("machine", .string(configuration.machineID)))
    return JSONValue.object(fields).text
  }
}
