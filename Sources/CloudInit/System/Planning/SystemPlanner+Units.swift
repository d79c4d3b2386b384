// SPDX-License-Identifier: Apache-2.0
import CloudConfig

extension SystemPlanner {
  /// What steps about units have made, for what comes after all of them.
  private struct UnitSteps {
    var changesUnits = false
    var changesNetwork = false
    /// The steps that bring each unit.
    var makers: [String: [Int]] = [:]
  }

  /// Plans the units that the computer's own systemd runs; those that the node runs need no step.
  ///
  /// Files for systemd-networkd are written in either case.
  /// `update` is the step that changes `update.conf`, if one does.
  mutating func planUnits(_ plan: BootPlan, update: Int?) {
    guard plan.localUnitsCarrier == .systemd else { return planNetwork(plan.system.networkUnits) }
    let units = plan.localUnits
    if view.isLive, !view.hasSystemd {
      guard !units.isEmpty else { return }
      let reason =
        "coracle.local-units is systemd, which is not process 1 here; leave the key out and the node runs them"
      add(SystemStep("give \(units.map(\.name).joined(separator: ", ")) to systemd", .refuse(reason)))
      return
    }
    var made = UnitSteps()
    for unit in units where Self.isNetwork(unit.name) { planUnit(unit, &made) }
    for unit in units where !Self.isNetwork(unit.name) { planUnit(unit, &made) }
    let lock = planLocksmith(plan.system, &made)
    if made.changesUnits { addOrder("have systemd read its units again", ["daemon-reload"]) }
    if made.changesNetwork { restartNetwork() }
    for unit in units where !Self.isNetwork(unit.name) { planCommand(unit, made) }
    planUpdateOrders(plan.system, update: update, dropIn: lock)
  }

  /// Plans files for systemd-networkd, of a document whose other units the node runs.
  private mutating func planNetwork(_ units: [LocalUnitPlan]) {
    guard !units.isEmpty else { return }
    guard !view.isLive || view.hasSystemd else {
      let reason = "systemd, which is not process 1 here, has the daemon that reads them"
      add(SystemStep("write \(units.map(\.name).joined(separator: ", "))", .leaveOut(reason)))
      return
    }
    var made = UnitSteps()
    for unit in units { planUnit(unit, &made) }
    if made.changesNetwork { restartNetwork() }
  }

  private mutating func restartNetwork() {
    addOrder("restart systemd-networkd.service", ["restart", "systemd-networkd.service"])
  }

  private static func isNetwork(_ name: String) -> Bool {
    [".network", ".netdev", ".link"].contains { name.hasSuffix($0) }
  }

  // MARK: One unit

  private mutating func planUnit(_ unit: LocalUnitPlan, _ made: inout UnitSteps) {
    let isNetwork = Self.isNetwork(unit.name)
    guard Self.isPlain(unit.name), unit.dropIns.allSatisfy({ Self.isPlain($0.name) }) else {
      add(
        SystemStep("write \(unit.name)", .refuse("\"\(unit.name)\" or the name of a drop-in cannot be a file's name"))
      )
      return
    }
    let folder = "\(unit.isRuntime ? "/run" : "/etc")/systemd/\(isNetwork ? "network" : "system")"
    let path = "\(folder)/\(unit.name)"
    var own: [Int] = []
    if unit.isMasked {
      own.append(addLink(path, to: "/dev/null", title: "mask \(unit.name): link \(path) to /dev/null"))
    } else if let content = unit.content {
      own.append(addWrite(path, Array(content.utf8)))
    } else if unit.isRuntime, entry(at: path) == .link(target: "/dev/null") {
      planned[path] = .missing
      own.append(add(SystemStep("unmask \(unit.name): remove \(path)", .change([.removeFile(path: path)]))))
    }
    for dropIn in unit.dropIns {
      own.append(addWrite("\(path).d/\(dropIn.name)", Array(dropIn.content.utf8)))
    }
    if unit.isEnabled, !unit.isMasked, !isNetwork {
      own += planEnabling(unit.name, folder: folder, isRuntime: unit.isRuntime, needs: own)
    }
    made.makers[unit.name, default: []] += own
    if own.contains(where: { steps[$0].isChange }) {
      if isNetwork { made.changesNetwork = true } else { made.changesUnits = true }
    }
  }

  private static func isPlain(_ name: String) -> Bool {
    !name.isEmpty && !name.contains("/") && name != "." && name != ".." && !name.utf8.contains(0)
  }

  // MARK: Enabling

  private static let unitFolders = [
    "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
    "/lib/systemd/system",
  ]

  /// The steps that make the links of a unit's `[Install]` section and of the units it names there.
  private mutating func planEnabling(_ name: String, folder: String, isRuntime: Bool, needs: [Int]) -> [Int] {
    var made: [Int] = []
    var waiting = [name]
    var seen: Set<String> = []
    while let unit = waiting.popLast() {
      guard seen.insert(unit).inserted, seen.count <= 100 else { continue }
      guard let (path, text) = unitFile(unit) else {
        made.append(add(SystemStep("enable \(unit)", .refuse("there is no unit file \(unit)"), needs: needs)))
        continue
      }
      let installation: UnitInstallation
      do {
        installation = try UnitInstallation(of: unit, text: text)
      } catch {
        made.append(add(SystemStep("enable \(unit)", .refuse("\(path) cannot be read: \(error)"), needs: needs)))
        continue
      }
      if installation.links.isEmpty, installation.also.isEmpty {
        add(
          SystemStep("enable \(unit)", .leaveOut("\(path) does not say in [Install] when it is wanted"), needs: needs)
        )
      }
      for link in installation.links {
        let place = "\(folder)/\(link.place)"
        made.append(addLink(place, to: path, title: "enable \(unit): link \(place) to \(path)", needs: needs))
      }
      waiting += installation.also.reversed()
    }
    return made
  }

  /// The file of a unit, or of its template.
  private func unitFile(_ name: String) -> (path: String, text: String)? {
    var names = [name]
    if let at = name.firstIndex(of: "@"), let dot = name.lastIndex(of: "."), at < dot {
      names.append("\(name[...at])\(name[dot...])")
    }
    for name in names {
      for folder in Self.unitFolders {
        if let text = text(at: "\(folder)/\(name)") { return ("\(folder)/\(name)", text) }
      }
    }
    return nil
  }

  // MARK: Orders to systemd

  private mutating func addOrder(
    _ title: String,
    _ words: [String],
    phase: SystemStep.Phase = .preparation,
    needs: [Int] = []
  ) {
    let decision: SystemStep.Decision =
      view.isLive ? .change([.systemctl(words)]) : .leaveOut("nothing runs in a tree of files")
    add(SystemStep(title, decision, phase: phase, needs: needs))
  }

  private mutating func planCommand(_ unit: LocalUnitPlan, _ made: UnitSteps) {
    guard let command = unit.command else { return }
    let title = "\(command.rawValue) \(unit.name)"
    // systemd's own word for it is another one since its version 229.
    let verb = command == .reloadOrTryRestart ? "try-reload-or-restart" : command.rawValue
    let needs = made.makers[unit.name] ?? []
    if view.isLive, command == .start || command == .stop, view.isActive(unit: unit.name) == (command == .start) {
      add(SystemStep(title, .keep, phase: .commands, needs: needs))
    } else {
      addOrder(title, [verb, unit.name], phase: .commands, needs: needs)
    }
  }

  // MARK: Locksmith and the update engine

  private mutating func planLocksmith(_ system: SystemPlan, _ made: inout UnitSteps) -> Int? {
    let unit = "locksmithd.service"
    if system.update.contains(where: { $0.name == "REBOOT_STRATEGY" && $0.value == "off" }), unitFile(unit) != nil {
      let path = "/run/systemd/system/\(unit)"
      let mask = addLink(path, to: "/dev/null", title: "mask \(unit): link \(path) to /dev/null")
      if steps[mask].isChange { made.changesUnits = true }
    }
    guard !system.locksmith.isEmpty else { return nil }
    let lines = system.locksmith.map { "Environment=\(VariableLines.quoted("\($0.name)=\($0.value)"))\n" }
    let step = addWrite(
      "/run/systemd/system/locksmithd.service.d/20-cloudinit.conf",
      Array(("[Service]\n" + lines.joined()).utf8)
    )
    guard steps[step].isChange else { return nil }
    made.changesUnits = true
    return step
  }

  /// Tells the programs of CoreOS about new settings, where they are.
  private mutating func planUpdateOrders(_ system: SystemPlan, update: Int?, dropIn: Int?) {
    let strategy = system.update.first { $0.name == "REBOOT_STRATEGY" }?.value
    let needs = [update, dropIn].compactMap { $0 }
    guard !needs.isEmpty else { return }
    if unitFile("locksmithd.service") != nil, strategy != nil || dropIn != nil {
      let verb = strategy == "off" ? "stop" : "restart"
      addOrder("\(verb) locksmithd.service", [verb, "locksmithd.service"], phase: .commands, needs: needs)
    }
    let engine = "update-engine.service"
    if update != nil, unitFile(engine) != nil, system.update.contains(where: { $0.name != "REBOOT_STRATEGY" }) {
      addOrder("restart \(engine)", ["restart", engine], phase: .commands, needs: needs)
    }
  }
}
