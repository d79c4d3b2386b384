// SPDX-License-Identifier: Apache-2.0
import Crypto

/// A unit file as fleet sees it: its options in order, without comments and blank lines.
///
/// Two files are the same when their ``hash`` is the same, that is when they serialise to the same text.
/// Source: specs/fleet.md §3; go-systemd `unit/deserialize.go`, `unit/serialize.go`.
public struct UnitFile: Sendable, Hashable {
  /// The options in the order of the text; repeated sections and options are kept.
  public var options: [UnitOption]

  /// The longest physical line, in bytes.
  public static let maximumLineBytes = 2048

  /// Makes a file from its options.
  public init(options: [UnitOption]) {
    self.options = options
  }

  /// Parses the text of a unit file.
  ///
  /// - Throws: ``UnitFileError`` with the line it happened on.
  public init(parsing text: String) throws(UnitFileError) {
    var parser = UnitFileParser(text)
    try parser.parse()
    options = parser.options
  }

  /// The canonical text: what is printed, written to disk and hashed.
  ///
  /// Shape: sections in order of first appearance, one blank line between them; a section without options disappears.
  public func serialized() -> String {
    var sections: [String] = []
    var lines: [String: [String]] = [:]
    for option in options {
      if lines[option.section] == nil { sections.append(option.section) }
      lines[option.section, default: []].append("\(option.name)=\(option.value)\n")
    }
    return sections.map { "[\($0)]\n" + (lines[$0] ?? []).joined() }.joined(separator: "\n")
  }

  /// The SHA-1 of ``serialized()``: the identity of the file.
  public var hash: UnitHash {
    UnitHash(digest: Array(Insecure.SHA1.hash(data: Array(serialized().utf8))))
  }

  /// All values of an option in order, over all sections of that name.
  public func values(_ section: String, _ name: String) -> [String] {
    options.compactMap { $0.section == section && $0.name == name ? $0.value : nil }
  }

  /// The first `Description=` of `[Unit]`; empty when there is none.
  public var unitDescription: String {
    values("Unit", "Description").first ?? ""
  }
}
