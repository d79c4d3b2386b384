// SPDX-License-Identifier: Apache-2.0

/// Variables by which programs in units know for whom they work, beside the unit's name and `INVOCATION_ID`.
public enum UnitVariable {
  /// The name of the unit.
  public static let unit = UnitGroups.marker
  /// The id of the unit's machine.
  public static let machine = "CORACLE_MACHINE_ID"
  /// The run of the unit.
  public static let invocation = "INVOCATION_ID"
}

/// The line of a shell that a unit runs: absolute paths of programs which the machine does not have are led to ours.
///
/// A word of an Exec line is looked up by us; what a shell is told to run is not. Only where a unit's file has the text
/// itself can it be changed: what stands in a script on disk finds our programs by their names alone.
struct ShellLine {
  /// Where our programs are.
  let directory: String
  /// Their names.
  let programs: [String]
  let isThere: (String) -> Bool

  private static let shells: Set<String> = ["sh", "bash", "dash", "ash"]
  private static let places = ["/usr/bin", "/bin", "/usr/local/bin", "/opt/bin"]

  /// The words of a command, changed where they are a shell's text.
  func words(_ words: [String], of program: String) -> [String] {
    guard let name = program.split(separator: "/").last, Self.shells.contains(String(name)) else { return words }
    var words = words
    for place in Self.places {
      for name in programs where words.contains(where: { $0.contains("\(place)/\(name)") }) {
        let path = "\(place)/\(name)"
        guard !isThere(path) else { continue }
        words = words.map { Self.replacing(path, by: "\(directory)/\(name)", in: $0) }
      }
    }
    return words
  }

  /// Replaces a path where it stands as a word of its own.
  static func replacing(_ path: String, by other: String, in text: String) -> String {
    var result: [UInt8] = []
    let bytes = Array(text.utf8)
    let wanted = Array(path.utf8)
    var index = 0
    while index < bytes.count {
      let end = index + wanted.count
      let isHere = end <= bytes.count && bytes[index..<end].elementsEqual(wanted)
      if isHere, index == 0 || isBoundary(bytes[index - 1]), end == bytes.count || isBoundary(bytes[end]) {
        result += Array(other.utf8)
        index = end
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static func isBoundary(_ byte: UInt8) -> Bool {
    " \t\n;&|()`\"'=<>".utf8.contains(byte)
  }
}
