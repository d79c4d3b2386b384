// SPDX-License-Identifier: Apache-2.0

/// What to say about a key that a section does not have.
enum KeySuggestion {
  /// Keys of Ubuntu's and Debian's cloud-init, which shares the header.
  private static let cloudInitKeys: Set<String> = [
    "apt", "bootcmd", "chpasswd", "disk_setup", "final_message", "fqdn", "fs_setup", "growpart", "locale", "mounts",
    "ntp", "package_update", "package_upgrade", "packages", "phone_home", "power_state", "resize_rootfs", "runcmd",
    "snap", "ssh_pwauth", "swap", "timezone", "yum_repos",
  ]

  static func message(unknown key: String, in schema: SectionSchema) -> String {
    let name = SchemaReader.normalized(key)
    let place = schema.path.isEmpty ? "" : " under \(schema.path)"
    let unknown = "unknown key \"\(key)\"\(place)"
    if name.hasPrefix("experimental_") { return "\(unknown); it belongs to etcd's third API and is ignored" }
    if let near = nearest(to: name, in: schema) {
      return "\(unknown); did you mean \"\(display(near))\"?"
    }
    if let home = home(of: name, besides: schema.path) {
      return "\(unknown); it belongs \(home.isEmpty ? "at the top level" : "under \(home)"): check the indentation"
    }
    if schema.path.isEmpty, cloudInitKeys.contains(name) {
      return "\(unknown); it is a key of cloud-init, not of CoreOS, and is ignored"
    }
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

  /// The section that has the key, when it is another one; the outermost first.
  private static func home(of name: String, besides path: String) -> String? {
    var level = [CloudConfigSchema.root]
    while !level.isEmpty {
      for section in level where section.path != path && section[name] != nil { return section.path }
      level = level.flatMap { section in
        section.keys.compactMap { key in
          switch key.type {
          case .section(let inner), .sections(let inner): inner
          case .string, .integer, .boolean, .float, .stringList: nil
          }
        }
      }
    }
    return nil
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
