// SPDX-License-Identifier: Apache-2.0

/// The unit's own directories, and what is kept from its commands.
extension ExecutionReader {
  // MARK: Directories

  mutating func readDirectories(_ option: UnitOption) -> Bool {
    if option.name == "RuntimeDirectoryPreserve" {
      graded(option, \.directories.preservation, "yes, no or restart")
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
    case "ProtectSystem": graded(option, \.sandbox.system, "yes, no, full or strict")
    case "ProtectHome": graded(option, \.sandbox.home, "yes, no, read-only or tmpfs")
    case "ReadOnlyPaths", "ReadOnlyDirectories": paths(option, \.sandbox.readOnlyPaths)
    case "ReadWritePaths", "ReadWriteDirectories": paths(option, \.sandbox.readWritePaths)
    case "InaccessiblePaths", "InaccessibleDirectories": paths(option, \.sandbox.inaccessiblePaths)
    case "BindPaths": binds(option, isReadOnly: false)
    case "BindReadOnlyPaths": binds(option, isReadOnly: true)
    case "TemporaryFileSystem": readMemories(option)
    case "CapabilityBoundingSet": capabilities(option, \.boundingSet)
    case "AmbientCapabilities": capabilities(option, \.ambientSet)
    default: return false
    }
    return true
  }

  private mutating func paths(
    _ option: UnitOption,
    _ paths: WritableKeyPath<ExecutionSettings, [ExecutionSettings.OptionalPath]>
  ) {
    for word in list(option, paths) {
      let isOptional = word.hasPrefix("-")
      var path = isOptional ? word.dropFirst() : word[...]
      // "+" is about RootDirectory=, which is not carried out: both roots are the same.
      if path.hasPrefix("+") { path = path.dropFirst() }
      if path.hasPrefix("/") {
        settings[keyPath: paths].append(ExecutionSettings.OptionalPath(path: String(path), isOptional: isOptional))
      } else {
        ignore(option, "absolute paths, and \"\(word)\" is none")
      }
    }
  }

  private mutating func binds(_ option: UnitOption, isReadOnly: Bool) {
    // As with systemd, an empty value of either takes back both.
    for word in list(option, \.sandbox.binds) {
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
    for word in list(option, \.sandbox.memories) {
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
