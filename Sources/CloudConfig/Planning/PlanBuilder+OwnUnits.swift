// SPDX-License-Identifier: Apache-2.0
import Units

/// Units of the document that are not built in: the node runs them, or systemd does.
extension PlanBuilder {
  /// Files for systemd-networkd, which no one starts.
  private static let networkKinds = ["network", "netdev", "link"]

  /// Plans a unit, or adds to one that stands further up.
  mutating func planOwn(_ name: String, _ section: Section, at mark: SourceMark, _ units: inout BuiltInUnits) {
    let kind = name.split(separator: ".").last.map(String.init) ?? ""
    if carrier == .systemd {
      addLocal(planForSystemd(name, section, at: mark), at: mark, to: &units)
    } else if units.local.contains(where: { $0.name == name }) {
      let dropIns = dropIns(section)
      checkText(section["content"], of: name)
      addLocal(unit(name, section, dropIns), at: mark, to: &units)
    } else if Self.networkKinds.contains(kind) {
      log.warning(
        at: mark,
        "\(name) is accepted and has no effect on the node; --apply-system writes it down for systemd-networkd"
      )
      let dropIns = dropIns(section)
      units.network.append(unit(name, section, dropIns))
    } else {
      addLocal(planLocal(name, kind, section, at: mark), at: mark, to: &units)
    }
  }

  /// A unit of any type, as it is written to systemd's directories.
  mutating func planForSystemd(_ name: String, _ section: Section, at mark: SourceMark) -> LocalUnitPlan? {
    let dropIns = dropIns(section)
    let unit = unit(name, section, dropIns)
    guard unit != LocalUnitPlan(name: name) else {
      log.warning(at: mark, "\(name) has no effect: nothing is said about it but its name")
      return nil
    }
    return unit
  }

  /// Adds a unit to those of the document.
  ///
  /// One that is there already is changed as systemd's files would be.
  mutating func addLocal(_ unit: LocalUnitPlan?, at mark: SourceMark, to units: inout BuiltInUnits) {
    guard let unit else { return }
    guard let index = units.local.firstIndex(where: { $0.name == unit.name }) else {
      units.local.append(unit)
      return
    }
    log.warning(
      at: mark,
      "\(unit.name) stands in the list again; what is said here is added, and counts where both speak"
    )
    units.local[index].add(unit)
  }

  func unit(_ name: String, _ section: Section, _ dropIns: [(name: String, content: Setting)]) -> LocalUnitPlan {
    LocalUnitPlan(
      name: name,
      content: section["content"]?.string,
      command: section["command"]?.string.flatMap(LocalUnitPlan.Command.init(rawValue:)),
      isEnabled: section["enable"]?.boolean ?? false,
      isMasked: section["mask"]?.boolean ?? false,
      isRuntime: section["runtime"]?.boolean ?? false,
      dropIns: dropIns.map { LocalUnitPlan.DropIn(name: $0.name, content: $0.content.string ?? "") }
    )
  }

  /// Finds what will keep the node from running a unit: the text of it or of a drop-in, which it cannot read.
  mutating func checkText(_ content: Setting?, of name: String) {
    guard let content, let text = content.string else { return }
    do {
      _ = try UnitFile(parsing: text)
    } catch {
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      let line = lines.indices.contains(error.line - 1) ? lines[error.line - 1] : ""
      let bare = line.trimmingBlanks()
      // That has been said.
      if Self.isKeyOfItem(bare) { return }
      let column = line.unicodeScalars.prefix { $0 == " " || $0 == "\t" }.count
      let problem =
        switch error {
        case .newlineInOptionName, .unexpectedEnd: "\"\(bare.prefix(60))\" is no section and no Name=value"
        case .unterminatedSection, .garbageAfterSection, .lineTooLong: "\(error)"
        }
      log.warning(at: content.mark(ofLine: error.line - 1, column: column), "\(name) cannot be run: \(problem)")
    }
  }
}

extension LocalUnitPlan {
  /// Takes over what a later item of the list says of the same unit.
  mutating func add(_ later: LocalUnitPlan) {
    content = later.content ?? content
    command = later.command ?? command
    isEnabled = isEnabled || later.isEnabled
    isMasked = isMasked || later.isMasked
    isRuntime = isRuntime || later.isRuntime
    let replaced = Set(later.dropIns.map(\.name))
    dropIns.removeAll { replaced.contains($0.name) }
    dropIns += later.dropIns
  }
}
