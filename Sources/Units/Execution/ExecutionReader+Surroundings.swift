// SPDX-License-Identifier: Apache-2.0

/// The unit's own directories, and what is kept from its commands.
extension ExecutionReader {
  // MARK: Directories

  mutating func readDirectories(_ option: UnitOption) -> Bool {
    if option.name == "RuntimeDirectoryPreserve" {
      readPreservation(option)
      return true
    }
    for kind in UnitDirectories.Kind.allCases {
      switch option.name {
      case "\(kind.rawValue)Directory":
        if option.value.isEmpty {
          settings.directories.entries[kind] = nil
        } else if let bad = settings.directories.add(words(option) ?? [], to: kind) {
          ignore(option, "relative paths without \"..\", and \"\(bad)\" is none")
        }
        return true
      case "\(kind.rawValue)DirectoryMode":
        if let mode = option.value.isEmpty ? 0o755 : Self.mode(option.value) {
          settings.directories.modes[kind] = mode
        } else {
          ignore(option, "an octal number such as 0750")
        }
        return true
      default: continue
      }
    }
    return false
  }

  private mutating func readPreservation(_ option: UnitOption) {
    if option.value == "restart" {
      settings.directories.preservation = .restart
    } else if let isKept = option.value.isEmpty ? false : BooleanValue.read(option.value) {
      settings.directories.preservation = isKept ? .yes : .no
    } else {
      ignore(option, "yes, no or restart")
    }
  }

  // MARK: Sandbox

  mutating func readSandbox(_ option: UnitOption) -> Bool {
    switch option.name {
    case "NoNewPrivileges": boolean(option, \.sandbox.hasNoNewPrivileges)
    case "PrivateTmp": boolean(option, \.sandbox.hasPrivateTmp)
    case "PrivateDevices": boolean(option, \.sandbox.hasPrivateDevices)
    case "PrivateNetwork": boolean(option, \.sandbox.hasPrivateNetwork)
    case "PrivateIPC": boolean(option, \.sandbox.hasPrivateIPC)
    case "PrivateMounts": boolean(option, \.sandbox.hasPrivateMounts)
    case "ProtectHostname": boolean(option, \.sandbox.protectsHostName)
    case "ProtectKernelTunables": boolean(option, \.sandbox.protectsTunables)
    case "ProtectKernelModules": boolean(option, \.sandbox.protectsModules)
    case "ProtectKernelLogs": boolean(option, \.sandbox.protectsKernelLogs)
    case "ProtectClock": boolean(option, \.sandbox.protectsClock)
    case "ProtectControlGroups": boolean(option, \.sandbox.protectsControlGroups)
    case "ProtectSystem": readSystemProtection(option)
    case "ProtectHome": readHomeProtection(option)
    case "ReadOnlyPaths", "ReadOnlyDirectories": paths(option, \.readOnlyPaths)
    case "ReadWritePaths", "ReadWriteDirectories": paths(option, \.readWritePaths)
    case "InaccessiblePaths", "InaccessibleDirectories": paths(option, \.inaccessiblePaths)
    case "BindPaths": binds(option, isReadOnly: false)
    case "BindReadOnlyPaths": binds(option, isReadOnly: true)
    case "TemporaryFileSystem": readMemories(option)
    case "CapabilityBoundingSet": capabilities(option, \.boundingSet)
    case "AmbientCapabilities": capabilities(option, \.ambientSet)
    default: return false
    }
    return true
  }

  private mutating func readSystemProtection(_ option: UnitOption) {
    if let isOn = option.value.isEmpty ? false : BooleanValue.read(option.value) {
      settings.sandbox.system = isOn ? .yes : .no
    } else if let protection = Sandbox.SystemProtection(rawValue: option.value) {
      settings.sandbox.system = protection
    } else {
      ignore(option, "yes, no, full or strict")
    }
  }

  private mutating func readHomeProtection(_ option: UnitOption) {
    if let isOn = option.value.isEmpty ? false : BooleanValue.read(option.value) {
      settings.sandbox.home = isOn ? .yes : .no
    } else if let protection = Sandbox.HomeProtection(rawValue: option.value) {
      settings.sandbox.home = protection
    } else {
      ignore(option, "yes, no, read-only or tmpfs")
    }
  }

  private mutating func paths(_ option: UnitOption, _ list: WritableKeyPath<Sandbox, [Sandbox.Path]>) {
    guard !option.value.isEmpty else {
      settings.sandbox[keyPath: list] = []
      return
    }
    for word in words(option) ?? [] {
      let isOptional = word.hasPrefix("-")
      var path = isOptional ? word.dropFirst() : word[...]
      // "+" is about RootDirectory=, which is not carried out: both roots are the same.
      if path.hasPrefix("+") { path = path.dropFirst() }
      if path.hasPrefix("/") {
        settings.sandbox[keyPath: list].append(Sandbox.Path(path: String(path), isOptional: isOptional))
      } else {
        ignore(option, "absolute paths, and \"\(word)\" is none")
      }
    }
  }

  private mutating func binds(_ option: UnitOption, isReadOnly: Bool) {
    guard !option.value.isEmpty else {
      // As with systemd, an empty value of either takes back both.
      settings.sandbox.binds = []
      return
    }
    for word in words(option) ?? [] {
      let isOptional = word.hasPrefix("-")
      let parts = (isOptional ? word.dropFirst() : word[...])
        .split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
      let target = parts.count > 1 && !parts[1].isEmpty ? parts[1] : parts[0]
      let mode = parts.count > 2 ? parts[2] : ""
      guard parts[0].hasPrefix("/"), target.hasPrefix("/"), ["", "rbind", "norbind"].contains(mode) else {
        ignore(option, "SOURCE, SOURCE:TARGET or SOURCE:TARGET:norbind with absolute paths, and \"\(word)\" is none")
        continue
      }
      settings.sandbox.binds.append(
        Sandbox.Bind(
          source: parts[0],
          target: target,
          isOptional: isOptional,
          isReadOnly: isReadOnly,
          isRecursive: mode != "norbind"
        )
      )
    }
  }

  private mutating func readMemories(_ option: UnitOption) {
    guard !option.value.isEmpty else {
      settings.sandbox.memories = []
      return
    }
    for word in words(option) ?? [] {
      let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts[0].hasPrefix("/") else {
        ignore(option, "absolute paths, each with \":\" and options of a mount if need be")
        continue
      }
      let options = parts.count > 1 ? parts[1].split(separator: ",").map(String.init) : []
      settings.sandbox.memories.append(Sandbox.Memory(path: parts[0], options: options))
    }
  }

  private mutating func capabilities(_ option: UnitOption, _ path: WritableKeyPath<Sandbox, CapabilitySet?>) {
    let before = settings.sandbox[keyPath: path]
    if let set = (before ?? .none).merging(option.value, isFirst: before == nil) {
      settings.sandbox[keyPath: path] = set
    } else {
      ignore(option, "names of capabilities such as CAP_NET_BIND_SERVICE, after ~ if they are to be taken away")
    }
  }
}
