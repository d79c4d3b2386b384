// SPDX-License-Identifier: Apache-2.0
import CloudConfig

extension SystemPlanner {
  private static let usersFile = "/etc/passwd"
  private static let groupsFile = "/etc/group"
  private static let userSecretsFile = "/etc/shadow"
  private static let groupSecretsFile = "/etc/gshadow"

  private var defaults: AccountDefaults {
    AccountDefaults(
      loginDefinitions: text(at: "/etc/login.defs") ?? "",
      newUsers: text(at: "/etc/default/useradd") ?? ""
    )
  }

  // MARK: Files of users and groups

  mutating func readAccounts() {
    let users = table(Self.usersFile)
    accounts = AccountFiles(
      users: users ?? AccountTable([]),
      groups: table(Self.groupsFile) ?? AccountTable([]),
      // A tree without users yet gets what any computer has; one that has users and no shadow is left so.
      userSecrets: table(Self.userSecretsFile) ?? (users == nil ? AccountTable([]) : nil),
      groupSecrets: table(Self.groupSecretsFile)
    )
  }

  private mutating func table(_ path: String) -> AccountTable? {
    switch view.entry(at: path) {
    case .missing: return nil
    case .file(let file):
      if let content = file.content { return AccountTable(content) }
      accountsProblem = accountsProblem ?? "\(path) is too long"
    case .directory: accountsProblem = accountsProblem ?? "\(path) is a directory"
    case .link: accountsProblem = accountsProblem ?? "\(path) is a symbolic link; users are not changed through one"
    case .other(let kind): accountsProblem = accountsProblem ?? "\(path) is \(kind)"
    case .unreadable(let reason): accountsProblem = accountsProblem ?? reason
    }
    return nil
  }

  /// Adds a step that changes the files of users and groups to `wanted`.
  @discardableResult
  private mutating func addAccounts(_ title: String, _ wanted: AccountFiles, needs: [Int] = []) -> Int {
    // The user is there once the last file is: what a failure leaves before it is taken over the next time.
    let files: [(path: String, old: AccountTable?, new: AccountTable?, mode: UInt32)] = [
      (Self.groupsFile, accounts.groups, wanted.groups, 0o644),
      (Self.groupSecretsFile, accounts.groupSecrets, wanted.groupSecrets, 0o600),
      (Self.userSecretsFile, accounts.userSecrets, wanted.userSecrets, 0o600),
      (Self.usersFile, accounts.users, wanted.users, 0o644),
    ]
    var actions: [SystemAction] = []
    for file in files where file.old != file.new {
      guard let new = file.new else { continue }
      var (mode, owner) = (file.mode, FileOwner.root)
      if case .file(let old) = entry(at: file.path) { (mode, owner) = (old.mode, old.owner) }
      planned[file.path] = .file(TreeFile(content: new.bytes, mode: mode, owner: owner))
      let setOwner = view.setsOwners ? owner : nil
      actions.append(.writeFile(FileWrite(path: file.path, content: new.bytes, mode: mode, owner: setOwner)))
    }
    accounts = wanted
    let chain = accountsStep.map { [$0] } ?? []
    let step = add(SystemStep(title, actions.isEmpty ? .keep : .change(actions), needs: chain + needs))
    if !actions.isEmpty { accountsStep = step }
    return step
  }

  // MARK: Users

  mutating func planUser(_ user: SystemPlan.User) {
    let known = accounts.user(named: user.name)
    if let reason = accountsProblem ?? Self.problem(with: user) {
      add(SystemStep(known == nil ? "make the user \(user.name)" : "change the user \(user.name)", .refuse(reason)))
      return
    }
    if known == nil {
      guard makeUser(user) else { return }
    } else if let hash = user.passwordHash {
      var wanted = accounts
      wanted.setHash(hash, of: user.name, today: view.today)
      addAccounts("set the password of \(user.name)", wanted)
    }
    planKeys(user.sshAuthorizedKeys, of: user.name)
  }

  /// Makes the user of CoreOS when keys are for it and nobody has made it.
  mutating func planCore(_ keys: [String]) {
    if accountsProblem == nil, accounts.user(named: "core") == nil {
      let groups = ["sudo", "wheel", "docker"].filter { accounts.groupID(named: $0) != nil }
      var core = SystemPlan.User(name: "core", remarks: "CoreOS Admin", groups: groups)
      if hasBash { core.shell = "/bin/bash" }
      guard makeUser(core) else { return }
    }
    planKeys(keys, of: "core")
  }

  private static func problem(with user: SystemPlan.User) -> String? {
    guard isName(user.name) else {
      return
        "\"\(user.name)\" cannot be a user's name: 1 to 32 of a-z, 0-9, \"_\", \"-\" and \".\", a letter or \"_\" first"
    }
    let texts = [
      ("passwd", user.passwordHash), ("gecos", user.remarks), ("homedir", user.homeDirectory), ("shell", user.shell),
    ]
    for (key, text) in texts {
      guard let text, text.utf8.contains(where: { $0 == UInt8(ascii: ":") || $0 < 32 }) else { continue }
      return "\(key) of the user \(user.name) cannot hold colons and line ends"
    }
    for (key, path) in [("homedir", user.homeDirectory), ("shell", user.shell)] {
      if let path, (try? TreePath(path, isFolder: key == "homedir")) == nil {
        return "\(key) of the user \(user.name) must be an absolute path without \"..\", not \"\(path)\""
      }
    }
    if let group = (user.groups + [user.primaryGroup].compactMap { $0 }).first(where: { !isName($0) }) {
      return "\"\(group)\" cannot be the name of a group"
    }
    return nil
  }

  private static func isName(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= 32 else { return false }
    let isWord = { (byte: UInt8) in
      byte == UInt8(ascii: "_") || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
        || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
    }
    return isWord(first)
      && name.utf8.allSatisfy {
        isWord($0) || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
      }
  }

  /// - Returns: Whether there is such a user afterwards.
  private mutating func makeUser(_ user: SystemPlan.User) -> Bool {
    let defaults = defaults
    let title = "make the user \(user.name)"
    guard
      let userID = accounts.freeUserID(
        user.isSystem ? defaults.systemUserIDs : defaults.userIDs,
        isSystem: user.isSystem
      )
    else {
      add(SystemStep(title, .refuse("no user id is free")))
      return false
    }
    var needs: [Int] = []
    for group in user.groups where accounts.groupID(named: group) == nil {
      guard let step = makeGroup(group, isSystem: true, defaults) else { return false }
      needs.append(step)
    }
    var wanted = accounts
    let groupID: UInt32
    if let group = user.primaryGroup {
      if accounts.groupID(named: group) == nil {
        guard let step = makeGroup(group, isSystem: user.isSystem, defaults) else { return false }
        needs.append(step)
        wanted = accounts
      }
      groupID = accounts.groupID(named: group) ?? 0
    } else if user.makesOwnGroup {
      if let known = accounts.groupID(named: user.name) {
        groupID = known
      } else {
        let range = user.isSystem ? defaults.systemGroupIDs : defaults.groupIDs
        guard let free = accounts.freeGroupID(range, isSystem: user.isSystem, preferred: userID) else {
          add(SystemStep(title, .refuse("no group id is free")))
          return false
        }
        groupID = free
        wanted.addGroup(named: user.name, id: free)
      }
    } else {
      groupID = UInt32(defaults.sharedGroup) ?? accounts.groupID(named: defaults.sharedGroup) ?? 100
    }
    let account = Account(
      name: user.name,
      owner: FileOwner(userID: userID, groupID: groupID),
      home: user.homeDirectory.flatMap { try? TreePath($0, isFolder: true) }?.text ?? "\(defaults.homes)/\(user.name)"
    )
    let shell = user.shell ?? defaults.shell ?? (hasBash ? "/bin/bash" : "/bin/sh")
    wanted.addUser(
      account,
      hash: user.passwordHash ?? "*",
      remarks: user.remarks ?? "",
      shell: shell,
      days: defaults.passwordDays,
      today: view.today
    )
    for group in user.groups { wanted.addMember(user.name, to: group) }
    let groups = user.groups.isEmpty ? "" : ", in \(user.groups.joined(separator: ", "))"
    let step = addAccounts(
      "\(title) (\(userID):\(groupID)), home \(account.home), shell \(shell)\(groups)",
      wanted,
      needs: needs
    )
    makers[user.name] = step
    makers["group \(user.name)"] = step
    if user.makesHome { makeHome(account, mode: defaults.homeMode) }
    return true
  }

  private var hasBash: Bool {
    switch entry(at: "/bin/bash") {
    case .file, .link: true
    case .missing, .directory, .other, .unreadable: false
    }
  }

  private mutating func makeGroup(_ name: String, isSystem: Bool, _ defaults: AccountDefaults) -> Int? {
    let range = isSystem ? defaults.systemGroupIDs : defaults.groupIDs
    guard let id = accounts.freeGroupID(range, isSystem: isSystem) else {
      add(SystemStep("make the group \(name)", .refuse("no group id is free")))
      return nil
    }
    var wanted = accounts
    wanted.addGroup(named: name, id: id)
    let step = addAccounts("make the group \(name) (\(id))", wanted)
    makers["group \(name)"] = step
    return step
  }
}
