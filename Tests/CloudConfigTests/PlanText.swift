// SPDX-License-Identifier: Apache-2.0

@testable import CloudConfig

/// A boot plan as lines `path = value`, without what stands in the plan of a document that says nothing.
enum PlanText {
  static func lines(of plan: BootPlan) -> [String] {
    let common = Set(baseline.map { "\(withoutIndexes($0.path)) = \($0.value)" })
    return values(in: plan, path: "").filter { !common.contains("\(withoutIndexes($0.path)) = \($0.value)") }
      .map { "\($0.path) = \($0.value)" }
  }

  private typealias Line = (path: String, value: String)

  /// Every part with its defaults.
  private static var baseline: [Line] {
    var plan = BootPlan(etcd: EtcdPlan(), fleet: FleetPlan())
    plan.localUnits = [LocalUnitPlan(name: "")]
    plan.system.users = [SystemPlan.User(name: "")]
    plan.system.files = [SystemPlan.File(path: "", content: [])]
    plan.system.networkUnits = plan.localUnits
    let empty = values(in: BootPlan(etcd: EtcdPlan(), fleet: FleetPlan()), path: "")
    return values(in: plan, path: "") + empty
  }

  private static func withoutIndexes(_ path: String) -> String {
    path.split(separator: ".").map { $0.prefix { $0 != "[" } + ($0.last == "]" ? "[]" : "") }.joined(separator: ".")
  }

  private static func values(in value: Any, path: String) -> [Line] {
    switch value {
    case let bytes as [UInt8]: return [(path, String(reflecting: String(decoding: bytes, as: UTF8.self)))]
    case let text as String: return [(path, String(reflecting: text))]
    case let url as EndpointURL: return [(path, url.text)]
    case let cluster as InitialCluster: return [(path, cluster.text)]
    case let bits as UInt32: return [(path, "0" + String(bits, radix: 8))]
    case is Duration: return [(path, "\(value)")]
    default: break
    }
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .optional: return mirror.children.first.map { values(in: $0.value, path: path) } ?? [(path, "nil")]
    case .collection:
      let items = mirror.children.enumerated().flatMap { values(in: $1.value, path: "\(path)[\($0)]") }
      return items.isEmpty ? [(path, "[]")] : items
    case .enum:
      guard let child = mirror.children.first, let label = child.label else { return [(path, "\(value)")] }
      let inner = Mirror(reflecting: child.value)
      let payload = inner.displayStyle == .tuple ? inner.children.first?.value ?? child.value : child.value
      return values(in: payload, path: "\(path).\(label)")
    case .struct:
      return mirror.children.flatMap { child in
        values(in: child.value, path: path.isEmpty ? child.label ?? "" : "\(path).\(child.label ?? "")")
      }
    default: return [(path, "\(value)")]
    }
  }
}
