// SPDX-License-Identifier: Apache-2.0

/// The text of `docker info`.
enum EngineInformation {
  static func lines(_ document: JSONValue) -> [String] {
    let client = ["Client:", " Version:    coracle", " Debug Mode: false", "", "Server:"]
    return client + counts(document) + drivers(document) + runtimes(document) + machine(document)
      + registries(document) + [""]
  }

  private static func text(_ document: JSONValue, _ name: String) -> String {
    switch document[name] {
    case .string(let text): text
    case .number(let text): text
    case .bool(let value): value ? "true" : "false"
    default: ""
    }
  }

  private static func counts(_ document: JSONValue) -> [String] {
    [
      " Containers: \(text(document, "Containers"))", "  Running: \(text(document, "ContainersRunning"))",
      "  Paused: \(text(document, "ContainersPaused"))", "  Stopped: \(text(document, "ContainersStopped"))",
      " Images: \(text(document, "Images"))", " Server Version: \(text(document, "ServerVersion"))",
    ]
  }

  private static func drivers(_ document: JSONValue) -> [String] {
    var lines = [" Storage Driver: \(text(document, "Driver"))"]
    for pair in document["DriverStatus"]?.elements ?? [] {
      let words = pair.elements.compactMap(\.string)
      if words.count == 2 { lines.append("  \(words[0]): \(words[1])") }
    }
    lines.append(" Logging Driver: \(text(document, "LoggingDriver"))")
    lines.append(" Cgroup Driver: \(text(document, "CgroupDriver"))")
    if document["CgroupVersion"] != nil { lines.append(" Cgroup Version: \(text(document, "CgroupVersion"))") }
    lines.append(" Plugins:")
    for kind in ["Volume", "Network", "Authorization", "Log"] {
      let names = (document["Plugins"]?[kind]?.elements ?? []).compactMap(\.string)
      if !names.isEmpty { lines.append("  \(kind): \(names.joined(separator: " "))") }
    }
    return lines
  }

  private static func runtimes(_ document: JSONValue) -> [String] {
    var lines: [String] = []
    if let swarm = document["Swarm"]?["LocalNodeState"]?.string { lines.append(" Swarm: \(swarm)") }
    let runtimes = (document["Runtimes"]?.members ?? []).map(\.name).sorted()
    if !runtimes.isEmpty {
      lines.append(" Runtimes: \(runtimes.joined(separator: " "))")
      lines.append(" Default Runtime: \(text(document, "DefaultRuntime"))")
    }
    guard text(document, "OSType") == "linux" else { return lines }
    lines.append(" Init Binary: \(text(document, "InitBinary"))")
    for (name, member) in [("containerd", "ContainerdCommit"), ("runc", "RuncCommit"), ("init", "InitCommit")] {
      lines.append(" \(name) version: \(document[member]?["ID"]?.string ?? "")")
    }
    let options = (document["SecurityOptions"]?.elements ?? []).compactMap(\.string)
    if !options.isEmpty { lines.append(" Security Options:") }
    for option in options {
      let parts = option.split(separator: ",").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
      for part in parts where part.count == 2 {
        let name = part[0] == "profile" ? "Profile" : part[0]
        lines.append(name == "name" ? "  \(part[1])" : "   \(name): \(part[1])")
      }
    }
    return lines
  }

  private static func machine(_ document: JSONValue) -> [String] {
    [
      " Kernel Version: \(text(document, "KernelVersion"))", " Operating System: \(text(document, "OperatingSystem"))",
      " OSType: \(text(document, "OSType"))", " Architecture: \(text(document, "Architecture"))",
      " CPUs: \(text(document, "NCPU"))", " Total Memory: \(HumanText.memory(document["MemTotal"]?.int64 ?? 0))",
      " Name: \(text(document, "Name"))", " ID: \(text(document, "ID"))",
      " Docker Root Dir: \(text(document, "DockerRootDir"))", " Debug Mode: \(text(document, "Debug"))",
    ]
  }

  private static func registries(_ document: JSONValue) -> [String] {
    var lines: [String] = []
    for (name, title) in [("HttpProxy", "HTTP Proxy"), ("HttpsProxy", "HTTPS Proxy"), ("NoProxy", "No Proxy")] {
      let proxy = text(document, name)
      if !proxy.isEmpty { lines.append(" \(title): \(proxy)") }
    }
    let labels = (document["Labels"]?.elements ?? []).compactMap(\.string)
    if !labels.isEmpty { lines += [" Labels:"] + labels.map { "  \($0)" } }
    lines.append(" Experimental: \(text(document, "ExperimentalBuild"))")
    let registry = document["RegistryConfig"]
    let insecure =
      (registry?["IndexConfigs"]?.members ?? []).filter { $0.value["Secure"]?.bool == false }.map(\.name).sorted()
      + (registry?["InsecureRegistryCIDRs"]?.elements ?? []).compactMap(\.string)
    if !insecure.isEmpty { lines += [" Insecure Registries:"] + insecure.map { "  \($0)" } }
    let mirrors = (registry?["Mirrors"]?.elements ?? []).compactMap(\.string)
    if !mirrors.isEmpty { lines += [" Registry Mirrors:"] + mirrors.map { "  \($0)" } }
    lines.append(" Live Restore Enabled: \(text(document, "LiveRestoreEnabled"))")
    return lines
  }
}
