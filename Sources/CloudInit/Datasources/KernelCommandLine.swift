// SPDX-License-Identifier: Apache-2.0

/// The words that the boot loader has given to the kernel.
///
/// Shape: words are apart by blanks; a word in double quotes may hold some.
struct KernelCommandLine: Equatable {
  let words: [String]

  init(_ text: String) {
    var words: [String] = []
    var word = ""
    var isQuoted = false
    for character in text {
      if character == "\"" {
        isQuoted.toggle()
      } else if character.isWhitespace, !isQuoted {
        if !word.isEmpty { words.append(word) }
        word = ""
      } else {
        word.append(character)
      }
    }
    if !word.isEmpty { words.append(word) }
    self.words = words
  }

  /// The value of the last of `names` that has one.
  func last(of names: Set<String>) -> String? {
    words.last { names.contains(String($0.prefix { $0 != "=" })) && $0.contains("=") && !$0.hasSuffix("=") }
      .map { String($0[$0.index(after: $0.prefix { $0 != "=" }.endIndex)...]) }
  }

  /// Where `cloud-config-url=` points to.
  ///
  /// Source: coreos-cloudinit `datasource/proc_cmdline`; the last one wins.
  var cloudConfigURL: String? { last(of: ["cloud-config-url", "cloud_config_url"]) }

  /// What `ds=nocloud…` says.
  var noCloudSeed: NoCloudSeed? {
    words.last { $0.hasPrefix("ds=") }.flatMap { NoCloudSeed($0) }
  }
}

/// What the words `ds=nocloud;s=…;h=…;i=…` say, on the kernel's command line or as SMBIOS serial number.
///
/// Source: cloud-init's NoCloud; specs/cloud-config.md §7.
struct NoCloudSeed: Equatable {
  /// Where the seed is: a URL or an absolute path; nil leaves it to a volume.
  var location: String?
  /// The host name; it beats the one of the metadata.
  var hostname: String?

  /// Takes such a word; nil when it is another.
  init?(_ text: String) {
    let parts = text.trimmingBlanksAndNewlines().split(separator: ";", omittingEmptySubsequences: false)
    guard let kind = parts.first, ["ds=nocloud", "ds=nocloud-net"].contains(String(kind)) else { return nil }
    for part in parts.dropFirst() {
      let key = part.prefix { $0 != "=" }
      let value = part.dropFirst(key.count + 1).trimmingBlanksAndNewlines()
      guard !value.isEmpty else { continue }
      switch String(key) {
      case "s", "seedfrom": location = value.hasPrefix("file://") ? String(value.dropFirst("file://".count)) : value
      case "h", "local-hostname": hostname = value
      default: continue
      }
    }
  }
}
