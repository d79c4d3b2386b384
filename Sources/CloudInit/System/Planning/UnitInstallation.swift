// SPDX-License-Identifier: Apache-2.0
import Units

/// Where the `[Install]` section of a unit wants links to it: what `systemctl enable` would make.
///
/// Source: systemd.unit(5), "[Install] section options"; systemctl(1), "enable".
struct UnitInstallation {
  /// A link, below the directory of systemd's own units.
  struct Link: Equatable {
    /// Such as `multi-user.target.wants/hello.service`.
    var place: String
    /// The unit it stands for.
    var unit: String
  }

  private(set) var links: [Link] = []
  /// Units to enable too.
  private(set) var also: [String] = []

  /// Reads the file of a unit; an instance of a template goes by its own name, with what stands between `@` and suffix.
  init(of name: String, text: String) throws(UnitFileError) {
    let file = try UnitFile(parsing: text)
    func words(_ option: String) -> [String] {
      file.values("Install", option).flatMap { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
    }
    var unit = name
    // A template itself is enabled as its default instance.
    if let at = name.firstIndex(of: "@"), let dot = name.lastIndex(of: "."), name.index(after: at) == dot,
      let instance = words("DefaultInstance").last
    {
      unit = "\(name[...at])\(instance)\(name[dot...])"
    }
    for alias in words("Alias") {
      links.append(Link(place: Self.expand(alias, of: unit), unit: unit))
    }
    for (option, folder) in [("WantedBy", "wants"), ("RequiredBy", "requires"), ("UpheldBy", "upholds")] {
      for target in words(option) {
        links.append(Link(place: "\(Self.expand(target, of: unit)).\(folder)/\(unit)", unit: unit))
      }
    }
    also = words("Also").map { Self.expand($0, of: unit) }.filter { $0 != name }
    // A name that leads elsewhere is no name.
    links.removeAll { $0.place.split(separator: "/").contains("..") || $0.place.hasPrefix("/") }
    also.removeAll { $0.contains("/") }
  }

  /// The specifiers that make sense in the names of units.
  private static func expand(_ text: String, of unit: String) -> String {
    let stem = unit.prefix(upTo: unit.lastIndex(of: ".") ?? unit.endIndex)
    let prefix = stem.prefix { $0 != "@" }
    let instance = stem.dropFirst(prefix.count + 1)
    var result = ""
    var rest = text[...]
    while let character = rest.popFirst() {
      guard character == "%", let letter = rest.popFirst() else {
        result.append(character)
        continue
      }
      switch letter {
      case "i", "I": result += instance
      case "n": result += unit
      case "N": result += stem
      case "p", "P": result += prefix
      case "%": result += "%"
      default: result += "%\(letter)"
      }
    }
    return result
  }
}
