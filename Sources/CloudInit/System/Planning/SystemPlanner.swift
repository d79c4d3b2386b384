// SPDX-License-Identifier: Apache-2.0
public import CloudConfig

/// Decides, step by step, what a cloud-config changes on a computer; changes nothing itself.
///
/// Each step is decided as if the ones before it had been carried out: a file may belong to a user who is made first.
/// Order: host name, users, keys of `core`, files, settings of other programs, addresses, units, commands, scripts.
/// Source: specs/cloud-config.md §8, §9; coreos-cloudinit `initialize/config.go` `Apply`.
public struct SystemPlanner {
  let view: any ComputerView
  let dataDirectory: String
  var steps: [SystemStep] = []
  /// What stands at paths that steps change.
  var planned: [String: TreeEntry] = [:]
  var accounts = AccountFiles(users: AccountTable([]), groups: AccountTable([]))
  /// Why the users cannot be read.
  var accountsProblem: String?
  /// The last step that changes the files of users and groups.
  var accountsStep: Int?
  /// The steps that make users and groups, and the last one about a user's home.
  var makers: [String: Int] = [:]
  var homes: [String: Int] = [:]

  private init(_ view: any ComputerView, dataDirectory: String) {
    self.view = view
    self.dataDirectory = dataDirectory
  }

  /// The steps that carry a plan out, in their order.
  ///
  /// - Parameters:
  ///   - plan: What the cloud-config asks for.
  ///   - view: The computer, or the tree.
  ///   - dataDirectory: Where the node keeps what it has; scripts are stored there.
  /// - Returns: Every step, also those that would change nothing and those that cannot be carried out.
  public static func steps(for plan: BootPlan, on view: any ComputerView, dataDirectory: String) -> [SystemStep] {
    var planner = SystemPlanner(view, dataDirectory: dataDirectory)
    planner.plan(plan)
    return planner.steps
  }

  private mutating func plan(_ plan: BootPlan) {
    readAccounts()
    let system = plan.system
    if let hostname = system.hostname { planHostname(hostname) }
    for user in system.users { planUser(user) }
    if !system.sshAuthorizedKeys.isEmpty { planCore(system.sshAuthorizedKeys) }
    for file in system.files { planFile(file) }
    planOEM(system.oem)
    let update = planUpdate(system.update)
    if system.managesEtcHosts { planHosts(system.hostname) }
    planFlannel(system.flannel)
    planAddresses(system)
    planUnits(plan, update: update)
    planScripts(system)
  }

  // MARK: Steps

  @discardableResult
  mutating func add(_ step: SystemStep) -> Int {
    var step = step
    if step.isChange, let missing = step.needs.first(where: isRefused) {
      step.decision = .refuse("it needs what cannot be done: \(steps[missing].title)")
    }
    steps.append(step)
    return steps.count - 1
  }

  func isRefused(_ step: Int) -> Bool {
    if case .refuse = steps[step].decision { true } else { false }
  }

  func entry(at path: String) -> TreeEntry {
    planned[path] ?? view.entry(at: path)
  }

  /// The text of a file that is changed and not replaced; empty when there is none.
  func textToKeep(at path: String) throws(TreePath.Refusal) -> String {
    switch entry(at: path) {
    case .missing: return ""
    case .file(let file):
      guard let content = file.content else { throw TreePath.Refusal(reason: "\(path) is too long to be changed") }
      guard let text = String(validating: content, as: UTF8.self) else {
        throw TreePath.Refusal(reason: "\(path) is not UTF-8; it is left as it is")
      }
      return text
    case .link: throw TreePath.Refusal(reason: "\(path) is a symbolic link; it is not changed through one")
    case .directory: throw TreePath.Refusal(reason: "\(path) is a directory")
    case .other(let kind): throw TreePath.Refusal(reason: "\(path) is \(kind), not a file")
    case .unreadable(let reason): throw TreePath.Refusal(reason: reason)
    }
  }

  /// The text of a file that is only looked at; nil when there is none that can be read.
  func text(at path: String) -> String? {
    guard case .file(let file) = entry(at: path), let content = file.content else { return nil }
    return String(decoding: content, as: UTF8.self)
  }

  // MARK: Files

  /// Adds the step that makes a file what it should be, and returns its place.
  ///
  /// Without a title of its own it tells path, size, mode and owner.
  @discardableResult
  mutating func addWrite(
    _ path: String,
    _ content: [UInt8],
    mode: UInt32 = 0o644,
    owner: FileOwner = .root,
    title: String? = nil,
    base: String? = nil,
    needs: [Int] = []
  ) -> Int {
    let title = title ?? self.title(path, content, mode, owner)
    let place: TreePath
    do throws(TreePath.Refusal) {
      place = try TreePath(path)
      try check(place)
    } catch {
      return add(SystemStep(title, .refuse(error.reason), needs: needs))
    }
    if case .file(let file) = entry(at: place.text), file.content == content, file.mode == mode,
      !view.setsOwners || file.owner == owner
    {
      return add(SystemStep(title, .keep, needs: needs))
    }
    planned[place.text] = .file(TreeFile(content: content, mode: mode, owner: owner))
    let write = FileWrite(
      path: place.text,
      content: content,
      mode: mode,
      owner: view.setsOwners ? owner : nil,
      base: base
    )
    return add(SystemStep(title, .change([.writeFile(write)]), needs: needs))
  }

  /// Adds the step that makes a symbolic link.
  @discardableResult
  mutating func addLink(_ path: String, to target: String, title: String, needs: [Int] = []) -> Int {
    do throws(TreePath.Refusal) {
      try check(try TreePath(path))
    } catch {
      return add(SystemStep(title, .refuse(error.reason), needs: needs))
    }
    if entry(at: path) == .link(target: target) { return add(SystemStep(title, .keep, needs: needs)) }
    planned[path] = .link(target: target)
    return add(SystemStep(title, .change([.makeLink(path: path, target: target, owner: nil)]), needs: needs))
  }

  /// Whether a file can be put there: nothing above it is a file, and it is no directory or device itself.
  private func check(_ path: TreePath) throws(TreePath.Refusal) {
    try checkFolders(of: path)
    switch entry(at: path.text) {
    case .directory: throw TreePath.Refusal(reason: "\(path.text) is a directory; remove it, or name another path")
    case .other(let kind): throw TreePath.Refusal(reason: "\(path.text) is \(kind), not a file; name another path")
    case .unreadable(let reason): throw TreePath.Refusal(reason: reason)
    case .missing, .file, .link: break
    }
  }

  /// Whether all that is above it is, or can become, a directory.
  func checkFolders(of path: TreePath) throws(TreePath.Refusal) {
    for folder in path.folders {
      switch entry(at: folder) {
      case .file: throw TreePath.Refusal(reason: "\(folder) is a file, not a directory")
      case .other(let kind): throw TreePath.Refusal(reason: "\(folder) is \(kind), not a directory")
      case .missing, .directory, .link, .unreadable: break
      }
    }
  }

  private func title(_ path: String, _ content: [UInt8], _ mode: UInt32, _ owner: FileOwner) -> String {
    let size = content.count == 1 ? "1 byte" : "\(content.count) bytes"
    let title = "write \(path), \(size), \(Self.octal(mode))"
    guard view.setsOwners else { return title }
    let user = accounts.userName(owner.userID) ?? (owner.userID == 0 ? "root" : "\(owner.userID)")
    let group = accounts.groupName(owner.groupID) ?? (owner.groupID == 0 ? "root" : "\(owner.groupID)")
    return "\(title) \(user):\(group)"
  }

  static func octal(_ mode: UInt32) -> String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
