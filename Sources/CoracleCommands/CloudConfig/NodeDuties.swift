// SPDX-License-Identifier: Apache-2.0
import CloudConfig

/// What a node does for a cloud-config, beside changing the computer.
enum NodeDuties {
  static func lines(of plan: BootPlan) -> [String] {
    var lines: [String] = []
    if let etcd = plan.etcd {
      let urls = etcd.listenClientURLs.map(\.text).joined(separator: ", ")
      lines.append("serve the store on \(urls)\(etcd.proxy == .off ? "" : ", as a proxy")")
    }
    if let fleet = plan.fleet {
      lines.append("run units of the cluster\(fleet.isEngineDisabled ? "" : " and place them")")
    }
    if plan.registrator.isEnabled { lines.append("publish ports of containers in the store") }
    guard plan.localUnitsCarrier == .node else { return lines }
    for unit in plan.localUnits {
      if unit.isMasked {
        lines.append("do not run \(unit.name)")
      } else if unit.content == nil {
        lines.append("add drop-ins to \(unit.name)")
      } else {
        let verb = unit.command?.rawValue ?? (unit.isEnabled ? "start" : "load")
        lines.append("\(verb) \(unit.name)")
      }
    }
    return lines
  }
}
