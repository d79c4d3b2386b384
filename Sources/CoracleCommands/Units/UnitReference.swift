// SPDX-License-Identifier: Apache-2.0
import Units

/// A unit as a command line names it: by name, with or without `.service`, or by the path of its file.
struct UnitReference: Equatable {
  /// The words as given.
  var argument: String
  /// The unit's name.
  var name: String

  private static let suffixes = [".service", ".socket", ".timer", ".path", ".device", ".mount", ".automount"]

  /// Takes the last part of a path and adds `.service` where no suffix is.
  ///
  /// Source: specs/fleet.md §8.1.
  init(_ argument: String) {
    self.argument = argument
    let base = argument.split(separator: "/").last.map(String.init) ?? argument
    name = Self.suffixes.contains { base.hasSuffix($0) } ? base : base + ".service"
  }

  /// The template of an instance; nil for anything else.
  var template: String? {
    guard let name = try? UnitName(name), name.isInstance else { return nil }
    return name.template
  }

  /// Whether the name is a pattern, which no unit's name can be.
  var isPattern: Bool { name.contains { "*?[".contains($0) } }

  /// Whether the name is a template's own.
  var isTemplate: Bool { (try? UnitName(name))?.isTemplate ?? false }

  /// Where the unit's own file may be, in order.
  var filePaths: [String] {
    argument == folder + name ? [argument] : [argument, folder + name]
  }

  /// Where the file of an instance's template may be: beside the unit's own.
  var templatePath: String? { template.map { folder + $0 } }

  private var folder: String {
    argument.lastIndex(of: "/").map { String(argument[...$0]) } ?? ""
  }
}
