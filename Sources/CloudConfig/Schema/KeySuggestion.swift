// SPDX-License-Identifier: Apache-2.0

/// What to say about a key that a section does not have.
enum KeySuggestion {
  /// Keys of Ubuntu's and Debian's cloud-init, which shares the header, by the section that they stand in.
  private static let cloudInitKeys: [String: Set<String>] = [
    "": [
      "allow_public_ssh_keys", "ansible", "apk_repos", "apt", "apt_sources", "apt_update", "apt_upgrade", "bootcmd",
      "ca_certs", "chef", "chpasswd", "cloud_config_modules", "cloud_final_modules", "cloud_init_modules",
      "datasource", "datasource_list", "device_aliases", "disable_ec2_metadata", "disable_root", "disk_setup",
      "fan", "final_message", "fqdn", "fs_setup", "groups", "growpart", "grub_dpkg", "keyboard", "landscape",
      "locale", "lxd", "manage_resolv_conf", "mcollective", "merge_how", "mount_default_fields", "mounts", "network",
      "no_ssh_fingerprints", "ntp", "output", "package_reboot_if_required", "package_update", "package_upgrade",
      "packages", "password", "phone_home", "power_state", "prefer_fqdn_over_hostname", "preserve_hostname", "puppet",
      "random_seed", "repo_update", "repo_upgrade", "resize_rootfs", "resolv_conf", "rh_subscription", "rsyslog",
      "runcmd", "salt_minion", "snap", "spacewalk", "ssh", "ssh_deletekeys", "ssh_fp_console_blacklist",
      "ssh_genkeytypes", "ssh_import_id", "ssh_keys", "ssh_publish_hostkeys", "ssh_pwauth", "swap", "system_info",
      "timezone", "ubuntu_advantage", "ubuntu_pro", "updates", "user", "vendor_data", "wireguard", "yum_repos",
      "zypper",
    ],
    "users[]": [
      "create_groups", "doas", "expiredate", "hashed_passwd", "lock_passwd", "plain_text_passwd", "snapuser",
      "ssh_redirect_user", "uid",
    ],
    "write_files[]": ["append", "defer", "source"],
  ]

  static func message(unknown key: String, in schema: SectionSchema) -> String {
    let name = SchemaReader.normalized(key)
    let place = schema.path.isEmpty ? "" : " under \(schema.path)"
    let unknown = "unknown key \"\(key.prefix(60))\"\(place)"
    if name.hasPrefix("experimental_") { return "\(unknown); it belongs to etcd's third API and is ignored" }
    if cloudInitKeys[schema.path]?.contains(name) == true {
      return "\(unknown); it is cloud-init's own key, not one of CoreOS, and is ignored"
    }
    let homes = homes(of: name, besides: schema.path)
    if !homes.isEmpty { return "\(unknown); it belongs \(homes): check the indentation" }
    if let near = nearest(to: name, in: schema) { return "\(unknown); did you mean \"\(display(near))\"?" }
    return "\(unknown); it is ignored"
  }

  private static func display(_ name: String) -> String {
    String(name.map { $0 == "_" ? "-" : $0 })
  }

  /// The key of the section that differs in the fewest letters, when that is few enough for a slip.
  private static func nearest(to name: String, in schema: SectionSchema) -> String? {
    let limit = name.count < 5 ? 1 : name.count < 12 ? 2 : 3
    return schema.keys
      .map { (name: $0.name, distance: distance(name, $0.name)) }
      .filter { $0.distance <= limit }
      .min { ($0.distance, $0.name) < ($1.distance, $1.name) }?
      .name
  }

  /// Sections that no one means who puts a key into the wrong place.
  private static let unlikelyHomes: Set = ["coreos.etcd", "coreos.oem"]

  /// The sections that have the key, the outermost first; empty when none but the section itself has it.
  private static func homes(of name: String, besides path: String) -> String {
    var homes: [String] = []
    var level = [CloudConfigSchema.root]
    while !level.isEmpty {
      homes += level.filter { $0.path != path && $0[name] != nil }.map(\.path)
      level = level.flatMap { section in
        section.keys.compactMap { key in
          switch key.type {
          case .section(let inner), .sections(let inner): inner
          case .string, .integer, .boolean, .float, .stringList: nil
          }
        }
      }
    }
    let likely = homes.filter { !unlikelyHomes.contains($0) }
    let shown = (likely.isEmpty ? homes : likely).prefix(2)
    return shown.map { $0.isEmpty ? "at the top level" : "under \($0)" }.joined(separator: " or ")
  }

  /// Levenshtein's distance: single letters put in, left out or exchanged.
  static func distance(_ left: String, _ right: String) -> Int {
    let right = Array(right.unicodeScalars)
    var row = Array(0...right.count)
    for (index, letter) in left.unicodeScalars.prefix(64).enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for column in right.indices {
        let substituted = diagonal + (letter == right[column] ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(substituted, row[column] + 1, diagonal + 1)
      }
    }
    return row[right.count]
  }
}
