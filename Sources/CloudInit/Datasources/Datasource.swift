// SPDX-License-Identifier: Apache-2.0

/// Where a machine may find its user-data, and what is known about it.
///
/// Source: coreos-cloudinit's datasources and cloud-init's NoCloud; specs/cloud-config.md §7.
public enum Datasource: Sendable, Equatable {
  /// A file; `-` is standard input.
  case file(String)
  /// The first of ``UserData/usualPlaces`` that exists.
  case usualFiles
  /// A document of the web.
  case url(String)
  /// An OpenStack config drive: the volume labelled `config-2`, or a directory that looks like one.
  case configDrive(directory: String?)
  /// A NoCloud seed: the words `ds=nocloud`, the volume labelled `cidata`, or a directory or URL.
  case noCloud(seed: String?)
  /// Entries that QEMU's `-fw_cfg` has put into the firmware.
  case firmwareConfiguration
  /// A URL in the OEM strings of SMBIOS.
  case smbios
  /// A URL on the kernel's command line.
  case kernelCommandLine
  /// The metadata service of EC2, or one that speaks like it.
  case ec2(base: String?)
  /// The metadata service of Google Compute Engine.
  case gce(base: String?)
  /// The metadata service of DigitalOcean.
  case digitalOcean(base: String?)
  /// The metadata service of OpenStack.
  case openStack(base: String?)
  /// What the hypervisor of VMware tells its guest.
  case vmware

  /// The names that users write, in the order of the manual.
  static let names = [
    "file:PATH", "files", "url:URL", "configdrive[:DIR]", "nocloud[:DIR|URL]", "fw-cfg", "smbios", "kernel-cmdline",
    "ec2[:BASE]", "gce[:BASE]", "digitalocean[:BASE]", "openstack[:BASE]", "vmware",
  ]

  /// Reads one name with its argument, as in `configdrive:/media/drive`.
  ///
  /// - Throws: ``CloudInitError`` that says what can be written.
  init(parsing text: String) throws(CloudInitError) {
    let name = text.prefix { $0 != ":" }
    let argument = name.endIndex == text.endIndex ? nil : String(text[text.index(after: name.endIndex)...])
    guard let source = Self.named(String(name), argument) else { throw Self.refusal(text) }
    self = source
  }

  private static func named(_ name: String, _ argument: String?) -> Datasource? {
    if let argument {
      guard !argument.isEmpty else { return nil }
      let isWeb = isWebAddress(argument)
      switch name {
      case "file": return .file(argument)
      case "url": return isWeb ? .url(argument) : nil
      case "configdrive": return isWeb ? nil : .configDrive(directory: argument)
      case "nocloud": return .noCloud(seed: argument)
      case "ec2": return isWeb ? .ec2(base: argument) : nil
      case "gce": return isWeb ? .gce(base: argument) : nil
      case "digitalocean": return isWeb ? .digitalOcean(base: argument) : nil
      case "openstack": return isWeb ? .openStack(base: argument) : nil
      default: return nil
      }
    }
    switch name {
    case "files": return .usualFiles
    case "configdrive": return .configDrive(directory: nil)
    case "nocloud": return .noCloud(seed: nil)
    case "fw-cfg": return .firmwareConfiguration
    case "smbios": return .smbios
    case "kernel-cmdline": return .kernelCommandLine
    case "ec2": return .ec2(base: nil)
    case "gce": return .gce(base: nil)
    case "digitalocean": return .digitalOcean(base: nil)
    case "openstack": return .openStack(base: nil)
    case "vmware": return .vmware
    default: return nil
    }
  }

  private static func refusal(_ text: String) -> CloudInitError {
    CloudInitError(
      .configuration,
      "\"\(text)\" is no datasource; say auto, none, or a list of: \(names.joined(separator: ", "))"
        + " (URL and BASE begin with http:// or https://)"
    )
  }

  /// Whether a text is a URL that the web port takes.
  public static func isWebAddress(_ text: String) -> Bool {
    text.hasPrefix("http://") || text.hasPrefix("https://")
  }

  /// The name with its argument, as users write it.
  public var text: String {
    switch self {
    case .file(let path): "file:\(path)"
    case .usualFiles: "files"
    case .url(let url): "url:\(url)"
    case .configDrive(let directory): Self.joined("configdrive", directory)
    case .noCloud(let seed): Self.joined("nocloud", seed)
    case .firmwareConfiguration: "fw-cfg"
    case .smbios: "smbios"
    case .kernelCommandLine: "kernel-cmdline"
    case .ec2(let base): Self.joined("ec2", base)
    case .gce(let base): Self.joined("gce", base)
    case .digitalOcean(let base): Self.joined("digitalocean", base)
    case .openStack(let base): Self.joined("openstack", base)
    case .vmware: "vmware"
    }
  }

  private static func joined(_ name: String, _ argument: String?) -> String {
    argument.map { "\(name):\($0)" } ?? name
  }

  /// Whether it is a file of this machine, which is gone on purpose when it is gone.
  public var isFile: Bool {
    switch self {
    case .file, .usualFiles: true
    case .url, .configDrive, .noCloud, .firmwareConfiguration, .smbios, .kernelCommandLine, .ec2, .gce, .digitalOcean,
      .openStack, .vmware:
      false
    }
  }
}

/// Which datasources are asked.
public enum DatasourceChoice: Sendable, Equatable {
  /// The usual files, then what this machine's firmware, disks and hypervisor hint at.
  case automatic
  /// These, in their order; none when the list is empty.
  case listed([Datasource])

  /// Reads `--datasource`: `auto`, `none`, or names joined by commas.
  ///
  /// - Throws: ``CloudInitError`` that says what can be written.
  public init(parsing text: String) throws(CloudInitError) {
    switch text {
    case "auto": self = .automatic
    case "none": self = .listed([])
    default:
      var sources: [Datasource] = []
      for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        sources.append(try Datasource(parsing: String(part)))
      }
      self = .listed(sources)
    }
  }
}
