// SPDX-License-Identifier: Apache-2.0
import DockerEngine

/// What a container says about the service on one of its ports, in `SERVICE_*` variables and labels.
///
/// Shape: `SERVICE_NAME=x` holds for every port, `SERVICE_80_NAME=x` for port 80 alone and beats the former. Labels beat
/// variables of the same kind.
/// Source: registrator, `bridge/util.go` `serviceMetaData`; specs/registrator.md §4.
struct ServiceMetadata: Equatable {
  private var plain: [String: String] = [:]
  private var ofPort: [String: String] = [:]

  init(of container: ContainerDetails, port: UInt16) {
    for variable in container.environment {
      guard let equals = variable.firstIndex(of: "=") else { continue }
      read(key: variable[..<equals], value: String(variable[variable.index(after: equals)...]), port: port)
    }
    for (key, value) in container.labels.sorted(by: { $0.key < $1.key }) {
      read(key: key[...], value: value, port: port)
    }
  }

  private mutating func read(key: Substring, value: String, port: UInt16) {
    guard key.hasPrefix("SERVICE_") else { return }
    let name = key.dropFirst("SERVICE_".count).lowercased()
    guard !name.isEmpty else { return }
    if let underscore = name.firstIndex(of: "_"), let number = Int(name[..<underscore]) {
      let rest = String(name[name.index(after: underscore)...])
      if number == Int(port), !rest.isEmpty { ofPort[rest] = value }
    } else {
      plain[name] = value
    }
  }

  /// The value for this port.
  subscript(_ name: String) -> String? { ofPort[name] ?? plain[name] }

  /// Whether the value was given for this port alone.
  func isOfPort(_ name: String) -> Bool { ofPort[name] != nil }

  /// Whether the port is not to be announced: any value that is not empty says so.
  var isIgnored: Bool { !(self["ignore"] ?? "").isEmpty }

  /// `SERVICE_TAGS`: separated by commas, `\,` for a comma; empty ones are left out.
  var tags: [String] {
    var tags: [String] = []
    var tag = ""
    var isEscaped = false
    for character in self["tags"] ?? "" {
      switch character {
      case "," where isEscaped: tag.append(",")
      case ",":
        tags.append(tag)
        tag = ""
      case "\\" where !isEscaped:
        isEscaped = true
        continue
      default: tag += isEscaped ? "\\\(character)" : "\(character)"
      }
      isEscaped = false
    }
    return (tags + [tag]).filter { !$0.isEmpty }
  }

  /// Everything that is neither name, id, tags, ignore nor ports.
  var attributes: [String: String] {
    plain.merging(ofPort) { _, ofPort in ofPort }
      .filter { !["name", "id", "tags", "ignore", "ports"].contains($0.key) }
  }
}
