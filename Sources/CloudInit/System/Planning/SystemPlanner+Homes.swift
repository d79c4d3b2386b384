// SPDX-License-Identifier: Apache-2.0
import CloudConfig

extension SystemPlanner {
  // MARK: Home directories

  private static let skeleton = "/etc/skel"
  /// A skeleton is a handful of small files.
  private static let longestSkeleton = 1_000
  private static let deepestSkeleton = 16

  mutating func makeHome(_ account: Account, mode: UInt32) {
    let title = "make the home directory \(account.home)"
    let needs = makers[account.name].map { [$0] } ?? []
    switch entry(at: account.home) {
    case .directory: homes[account.name] = add(SystemStep(title, .keep, needs: needs))
    case .missing:
      let owner = view.setsOwners ? account.owner : nil
      var actions: [SystemAction] = [.makeDirectory(path: account.home, mode: mode, owner: owner, base: nil)]
      planned[account.home] = .directory
      do throws(TreePath.Refusal) {
        try checkFolders(of: try TreePath(account.home))
        try copy(Self.skeleton, to: account.home, owner, depth: 0, &actions)
        homes[account.name] = add(SystemStep(title, .change(actions), needs: needs))
      } catch {
        homes[account.name] = add(SystemStep(title, .refuse(error.reason), needs: needs))
      }
    case .file, .link, .other:
      let reason = "\(account.home) is there and is no directory"
      homes[account.name] = add(SystemStep(title, .refuse(reason), needs: needs))
    case .unreadable(let reason): homes[account.name] = add(SystemStep(title, .refuse(reason), needs: needs))
    }
  }

  private func copy(
    _ source: String,
    to target: String,
    _ owner: FileOwner?,
    depth: Int,
    _ actions: inout [SystemAction]
  ) throws(TreePath.Refusal) {
    guard depth < Self.deepestSkeleton else { throw TreePath.Refusal(reason: "\(source) is too deep to be copied") }
    for name in view.names(in: source) {
      guard actions.count < Self.longestSkeleton else {
        throw TreePath.Refusal(reason: "\(Self.skeleton) holds more than \(Self.longestSkeleton) files")
      }
      let (from, to) = ("\(source)/\(name)", "\(target)/\(name)")
      switch view.entry(at: from) {
      case .file(let file):
        guard let content = file.content else { throw TreePath.Refusal(reason: "\(from) is too long to be copied") }
        actions.append(.writeFile(FileWrite(path: to, content: content, mode: file.mode, owner: owner)))
      case .link(let link): actions.append(.makeLink(path: to, target: link, owner: owner))
      case .directory:
        actions.append(.makeDirectory(path: to, mode: 0o755, owner: owner, base: nil))
        try copy(from, to: to, owner, depth: depth + 1, &actions)
      case .missing, .other: continue
      case .unreadable(let reason): throw TreePath.Refusal(reason: reason)
      }
    }
  }

  // MARK: Keys

  mutating func planKeys(_ keys: [String], of name: String) {
    guard !keys.isEmpty else { return }
    let title = "let \(keys.count == 1 ? "1 key" : "\(keys.count) keys") in as \(name)"
    let needs = [makers[name], homes[name]].compactMap { $0 }
    do throws(TreePath.Refusal) {
      if let accountsProblem { throw TreePath.Refusal(reason: accountsProblem) }
      guard let account = accounts.user(named: name) else {
        throw TreePath.Refusal(reason: "there is no user \(name)")
      }
      try addKeys(keys, of: account, title: title, needs: needs)
    } catch {
      add(SystemStep(title, .refuse(error.reason), needs: needs))
    }
  }

  private mutating func addKeys(
    _ keys: [String],
    of account: Account,
    title: String,
    needs: [Int]
  ) throws(TreePath.Refusal) {
    if let bad = keys.first(where: { AuthorizedKeys.trimmed($0).contains(where: \.isNewline) || $0.utf8.contains(0) }) {
      throw TreePath.Refusal(reason: "a key is one line, but this one has more: \"\(bad.prefix(30))…\"")
    }
    let home = try TreePath(account.home, isFolder: true).text
    if entry(at: home) == .missing {
      throw TreePath.Refusal(reason: "\(account.name) has no home directory (\(home))")
    }
    let (folder, path) = ("\(home)/.ssh", "\(home)/.ssh/authorized_keys")
    let owner = view.setsOwners ? account.owner : nil
    // The user may put links into the home directory, which must lead nobody who acts for root anywhere.
    if case .link = entry(at: folder) {
      throw TreePath.Refusal(reason: "\(folder) is a symbolic link; keys are not written through one")
    }
    let wanted = AuthorizedKeys(existing: try textToKeep(at: path), keys: keys)
    let step = addWrite(
      path,
      Array(wanted.text.utf8),
      mode: 0o600,
      owner: account.owner,
      title: "\(title), in \(path)",
      base: home,
      needs: needs
    )
    guard case .change(let write) = steps[step].decision, entry(at: folder) == .missing else { return }
    planned[folder] = .directory
    steps[step].decision = .change([.makeDirectory(path: folder, mode: 0o700, owner: owner, base: home)] + write)
  }
}
