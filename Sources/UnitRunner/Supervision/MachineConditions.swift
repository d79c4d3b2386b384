// SPDX-License-Identifier: Apache-2.0
import Glibc
import Units

/// What conditions ask of this machine.
///
/// - Parameters:
///   - specifiers: What the machine is called, and who the node is.
///   - environment: The node's own variables.
/// - Returns: The facts; paths are looked at when they are asked for.
func machineConditionFacts(_ specifiers: SpecifierValues, environment: [String: String]) -> ConditionFacts {
  var facts = ConditionFacts(specifiers: specifiers) { PathConditions.holds($0, $1) }
  facts.environment = environment
  facts.kernelCommandLine = (readSmallFile("/proc/cmdline") ?? "").split(whereSeparator: \.isWhitespace).map(
    String.init
  )
  var groups = [gid_t](repeating: 0, count: 1024)
  let count = getgroups(Int32(groups.count), &groups)
  for group in [getgid(), getegid()] + groups.prefix(Int(max(0, count))) {
    facts.groups.insert(String(group))
    if let name = UserAccounts.groupName(group) { facts.groups.insert(name) }
  }
  facts.memory = UInt64(max(0, sysconf(Int32(_SC_PHYS_PAGES)))) * UInt64(max(0, sysconf(Int32(_SC_PAGESIZE))))
  facts.processors = UInt64(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  facts.container = Virtualization.container(environment)
  facts.virtualMachine = Virtualization.virtualMachine()
  return facts
}

/// Conditions about paths.
enum PathConditions {
  static func holds(_ subject: UnitCondition.Subject, _ path: String) -> Bool {
    var status = stat()
    switch subject {
    case .pathExists: return access(path, F_OK) == 0
    case .pathExistsGlob: return hasMatch(path)
    case .pathIsDirectory: return stat(path, &status) == 0 && isDirectory(status)
    case .pathIsSymbolicLink: return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    case .pathIsMountPoint: return isMountPoint(path)
    case .pathIsReadWrite:
      var system = statvfs()
      return statvfs(path, &system) == 0 && system.f_flag & UInt(ST_RDONLY) == 0
    case .directoryNotEmpty: return !directoryEntries(path).isEmpty
    case .fileNotEmpty: return stat(path, &status) == 0 && isFile(status) && status.st_size > 0
    case .fileIsExecutable: return stat(path, &status) == 0 && isFile(status) && status.st_mode & 0o111 != 0
    case .architecture, .virtualization, .host, .kernelCommandLine, .kernelVersion, .environment, .user, .group,
      .memory, .processors, .operatingSystem:
      return false
    }
  }

  /// Whether anything is there that a pattern means.
  static func hasMatch(_ pattern: String) -> Bool {
    var found = glob_t()
    defer { globfree(&found) }
    return glob(pattern, 0, nil, &found) == 0 && found.gl_pathc > 0
  }

  private static func isDirectory(_ status: stat) -> Bool { status.st_mode & S_IFMT == S_IFDIR }
  private static func isFile(_ status: stat) -> Bool { status.st_mode & S_IFMT == S_IFREG }

  /// Whether something is mounted there, a directory bound to it included.
  private static func isMountPoint(_ path: String) -> Bool {
    guard let resolved = realpath(path, nil) else { return false }
    defer { free(resolved) }
    let wanted = String(cString: resolved)
    let text = readFile("/proc/self/mountinfo", limitBytes: 16 << 20) ?? []
    return text.split(separator: UInt8(ascii: "\n")).contains { line in
      let fields = line.split(separator: UInt8(ascii: " "))
      return fields.count > 4 && unescaped(fields[4]) == wanted
    }
  }

  /// The kernel writes blanks and backslashes as three octal digits.
  private static func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
    var result: [UInt8] = []
    var rest = bytes
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\\"), let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) {
        result.append(code)
        rest = rest.dropFirst(3)
      } else {
        result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}

/// Whether the machine is a virtual one, and whether the node is in a container, in systemd's words.
///
/// Source: systemd v252 `src/basic/virt.c`; what can be read from files.
enum Virtualization {
  static func container(_ environment: [String: String]) -> String? {
    if let text = readSmallFile("/run/systemd/container")?.split(whereSeparator: \.isWhitespace).first {
      return String(text)
    }
    if let own = environment["container"], !own.isEmpty { return own }
    let first = (readFile("/proc/1/environ", limitBytes: 1 << 20) ?? []).split(separator: 0)
    let variable = first.map { String(decoding: $0, as: UTF8.self) }.first { $0.hasPrefix("container=") }
    if let name = variable?.dropFirst("container=".count), !name.isEmpty { return String(name) }
    if access("/run/.containerenv", F_OK) == 0 { return "podman" }
    return access("/.dockerenv", F_OK) == 0 ? "docker" : nil
  }

  /// What makers of virtual machines call themselves, and systemd's word for them.
  private static let makers = [
    ("KVM", "kvm"), ("OpenStack", "kvm"), ("KubeVirt", "kvm"), ("Amazon EC2", "amazon"), ("QEMU", "qemu"),
    ("VMware", "vmware"), ("VMW", "vmware"), ("innotek GmbH", "oracle"), ("VirtualBox", "oracle"), ("Xen", "xen"),
    ("Bochs", "bochs"), ("Parallels", "parallels"), ("BHYVE", "bhyve"), ("Hyper-V", "microsoft"),
    ("Apple Virtualization", "apple"), ("Google Compute Engine", "google"),
  ]

  static func virtualMachine() -> String? {
    let processors = (readFile("/proc/cpuinfo", limitBytes: 16 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    for file in ["product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version"] {
      guard let text = readSmallFile("/sys/class/dmi/id/\(file)") else { continue }
      guard let maker = makers.first(where: { text.hasPrefix($0.0) }) else { continue }
      // QEMU is KVM's too, unless it plays the processor itself.
      return maker.1 == "qemu" && !processors.contains("QEMU TCG") && processors.contains("hypervisor")
        ? "kvm" : maker.1
    }
    return processors.contains(" hypervisor") ? "vm-other" : nil
  }
}
