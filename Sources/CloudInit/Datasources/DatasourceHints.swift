// SPDX-License-Identifier: Apache-2.0

/// What the firmware and the kernel say about the place a machine runs in.
///
/// A machine that nothing is said of never asks a metadata service, so that a laptop does not wait for one.
struct DatasourceHints: Sendable, Equatable {
  /// `/sys/class/dmi/id/…` by name.
  var firmware: [String: String] = [:]
  /// The kernel's command line.
  var commandLine = ""
  /// Whether this is a container: firmware, disks and command line are then those of another machine.
  var isContainer = false

  static let firmwareNames = [
    "sys_vendor", "product_name", "product_uuid", "board_asset_tag", "chassis_asset_tag", "product_serial",
  ]

  static func read(_ files: MachineFiles) async -> DatasourceHints {
    var hints = DatasourceHints()
    for name in firmwareNames { hints.firmware[name] = await files.line("/sys/class/dmi/id/\(name)") }
    hints.commandLine = await files.line("/proc/cmdline") ?? ""
    hints.isContainer = ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"].contains(where: files.contains)
    return hints
  }

  private func firmware(_ name: String) -> String { firmware[name] ?? "" }

  /// Whether this is a machine of EC2; the UUID of older hosts has its first bytes swapped.
  ///
  /// Source: AWS, "Detect whether a host is an EC2 instance".
  var isEC2: Bool {
    let uuid = firmware("product_uuid").lowercased()
    let isSwapped = uuid.dropFirst(6).hasPrefix("ec") && uuid.dropFirst(4).hasPrefix("2")
    return firmware("sys_vendor") == "Amazon EC2" || firmware("board_asset_tag").hasPrefix("i-")
      || firmware("chassis_asset_tag") == "Amazon EC2"
      || (firmware("sys_vendor") == "Xen" && (uuid.hasPrefix("ec2") || isSwapped))
  }

  var isGCE: Bool { firmware("product_name") == "Google Compute Engine" }

  var isDigitalOcean: Bool { firmware("sys_vendor") == "DigitalOcean" }

  /// Source: cloud-init's `ds-identify`.
  var isOpenStack: Bool {
    firmware("product_name").hasPrefix("OpenStack") || firmware("sys_vendor") == "OpenStack Foundation"
      || ["OpenTelekomCloud", "OpenStack Nova", "OpenStack Compute"].contains(firmware("chassis_asset_tag"))
  }

  var isVMware: Bool { firmware("sys_vendor").hasPrefix("VMware") }

  /// The seed that the serial number or the command line names; the command line wins.
  var noCloudSeed: NoCloudSeed? {
    KernelCommandLine(commandLine).noCloudSeed ?? NoCloudSeed(firmware("product_serial"))
  }

  /// Whether a config drive is promised.
  var expectsConfigDrive: Bool { KernelCommandLine(commandLine).words.contains("coreos.configdrive=1") }

  // MARK: Candidates

  /// What is asked when nobody says what to ask, in this order.
  func candidates(_ times: DatasourceTimes) -> [DatasourceCandidate] {
    var candidates = [DatasourceCandidate(source: .usualFiles, patience: .zero)]
    if isContainer { return candidates }
    candidates += [
      DatasourceCandidate(source: .firmwareConfiguration, patience: .zero),
      DatasourceCandidate(source: .smbios, patience: times.patience),
      DatasourceCandidate(source: .kernelCommandLine, patience: times.patience),
      DatasourceCandidate(source: .noCloud(seed: nil), patience: noCloudPatience(times)),
      DatasourceCandidate(
        source: .configDrive(directory: nil),
        patience: expectsConfigDrive ? times.diskPatience : .zero
      ),
    ]
    let others: [(isHinted: Bool, source: Datasource)] = [
      (isVMware, .vmware), (isEC2, .ec2(base: nil)), (isGCE, .gce(base: nil)),
      (isDigitalOcean, .digitalOcean(base: nil)), (isOpenStack, .openStack(base: nil)),
    ]
    return candidates
      + others.filter(\.isHinted).map { DatasourceCandidate(source: $0.source, patience: times.patience) }
  }

  private func noCloudPatience(_ times: DatasourceTimes) -> Duration {
    guard let seed = noCloudSeed else { return .zero }
    return seed.location.map(Datasource.isWebAddress) == true ? times.patience : times.diskPatience
  }
}

/// A datasource that is asked, and how long it may stay away.
struct DatasourceCandidate: Sendable, Equatable {
  var source: Datasource
  /// From the start of the search.
  var patience: Duration

  /// One that the user has named.
  init(named source: Datasource, _ times: DatasourceTimes) {
    self.source = source
    switch source {
    case .file, .usualFiles, .firmwareConfiguration, .vmware: patience = .zero
    case .configDrive(let directory): patience = directory == nil ? times.diskPatience : .zero
    case .noCloud(let seed?): patience = Datasource.isWebAddress(seed) ? times.patience : .zero
    case .noCloud(nil): patience = times.diskPatience
    case .url, .smbios, .kernelCommandLine, .ec2, .gce, .digitalOcean, .openStack: patience = times.patience
    }
  }

  init(source: Datasource, patience: Duration) {
    self.source = source
    self.patience = patience
  }
}
