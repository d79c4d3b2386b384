// SPDX-License-Identifier: Apache-2.0
import CloudConfig

extension SystemPlanner {
  // MARK: Host name

  mutating func planHostname(_ name: String) {
    let title = "set the host name to \(name)"
    guard Self.isHostname(name) else {
      let reason = "a host name has 1 to 64 letters, digits, \"-\" and \".\", and begins with a letter or digit"
      add(SystemStep(title, .refuse(reason)))
      return
    }
    let write = addWrite("/etc/hostname", Array("\(name)\n".utf8), title: "\(title) in /etc/hostname")
    guard view.isLive else { return }
    // The kernel has it at once; systemd reads the file with the next boot.
    let isNamed = view.hostname == name
    if isNamed, !steps[write].isChange { return }
    add(SystemStep("\(title) now", isNamed ? .keep : .change([.setHostname(name)])))
  }

  private static func isHostname(_ name: String) -> Bool {
    let isPlain = name.utf8.allSatisfy { byte in
      let scalar = Character(Unicode.Scalar(byte))
      return scalar.isASCII && (scalar.isLetter || scalar.isNumber || ["-", ".", "_"].contains(scalar))
    }
    return isPlain && (1...64).contains(name.utf8.count) && name.first != "-" && name.first != "."
  }

  // MARK: Files of the document

  mutating func planFile(_ file: SystemPlan.File) {
    do throws(TreePath.Refusal) {
      let owner = try owner(file.owner)
      addWrite(file.path, file.content, mode: file.permissions, owner: owner.id, needs: owner.needs)
    } catch {
      add(SystemStep("write \(file.path), \(file.content.count) bytes", .refuse(error.reason)))
    }
  }

  /// Reads `user`, `user:group`, `user:` and `:group`, names or numbers, as chown(1) does.
  ///
  /// - Returns: The owner, and the steps that make user and group.
  private func owner(_ text: String?) throws(TreePath.Refusal) -> (id: FileOwner, needs: [Int]) {
    guard let text, !text.isEmpty, view.setsOwners else { return (.root, []) }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    var (id, needs) = (FileOwner.root, [Int]())
    if !parts[0].isEmpty {
      if let account = accounts.user(named: parts[0]) {
        id.userID = account.owner.userID
        needs += makers[account.name].map { [$0] } ?? []
        // As with chown, a colon with nothing behind it stands for the group that the user is in first.
        if parts.count == 2, parts[1].isEmpty { id.groupID = account.owner.groupID }
      } else if let number = UInt32(parts[0]) {
        id.userID = number
      } else if parts[0] != "root" {
        throw TreePath.Refusal(reason: "there is no user \"\(parts[0])\" to own it")
      }
    }
    if parts.count == 2, !parts[1].isEmpty {
      guard let number = accounts.groupID(named: parts[1]) ?? UInt32(parts[1]) ?? (parts[1] == "root" ? 0 : nil) else {
        throw TreePath.Refusal(reason: "there is no group \"\(parts[1])\" to own it")
      }
      id.groupID = number
      needs += makers["group \(parts[1])"].map { [$0] } ?? []
    }
    return (id, needs)
  }

  // MARK: Settings of other programs

  mutating func planOEM(_ variables: [SystemPlan.Variable]) {
    guard !variables.isEmpty else { return }
    let texts = ["NAME", "HOME_URL", "BUG_REPORT_URL"]
    let lines = variables.map { variable in
      let isPlain = variable.value.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
      let isText = texts.contains(variable.name) || !isPlain
      return "\(variable.name)=\(isText ? VariableLines.quoted(variable.value) : variable.value)\n"
    }
    addWrite("/etc/oem-release", Array(lines.joined().utf8))
  }

  /// - Returns: The step that changes `update.conf`; nil when none does.
  mutating func planUpdate(_ variables: [SystemPlan.Variable]) -> Int? {
    guard !variables.isEmpty else { return nil }
    let path = "/etc/coreos/update.conf"
    let isThere = entry(at: path) != .missing
    let step = addMerge(variables, into: path, from: isThere ? path : "/usr/share/coreos/update.conf")
    return steps[step].isChange ? step : nil
  }

  mutating func planHosts(_ hostname: String?) {
    var text = "127.0.0.1 localhost\n::1 localhost\n"
    if let name = hostname ?? view.hostname, Self.isHostname(name), name != "localhost" {
      text += "127.0.0.1 \(name)\n"
    }
    addWrite("/etc/hosts", Array(text.utf8))
  }

  mutating func planFlannel(_ variables: [SystemPlan.Variable]) {
    guard !variables.isEmpty else { return }
    let text = variables.map { "\($0.name)=\($0.value)\n" }.joined()
    addWrite("/run/flannel/options.env", Array(text.utf8))
  }

  mutating func planAddresses(_ system: SystemPlan) {
    let path = "/etc/environment"
    let isWritten = system.files.contains { (try? TreePath($0.path))?.text == path }
    guard !system.addresses.isEmpty, !isWritten else { return }
    addMerge(system.addresses, into: path, from: path)
  }

  /// Adds the step that sets variables in a file and leaves its other lines.
  @discardableResult
  private mutating func addMerge(_ variables: [SystemPlan.Variable], into path: String, from source: String) -> Int {
    let title = "set \(variables.map(\.name).sorted().joined(separator: ", ")) in \(path)"
    do throws(TreePath.Refusal) {
      var lines = VariableLines(try textToKeep(at: source))
      lines.merge(variables)
      var (mode, owner): (UInt32, FileOwner) = (0o644, .root)
      if case .file(let file) = entry(at: path) { (mode, owner) = (file.mode, file.owner) }
      return addWrite(path, Array(lines.text.utf8), mode: mode, owner: owner, title: title)
    } catch {
      return add(SystemStep(title, .refuse(error.reason)))
    }
  }
}
