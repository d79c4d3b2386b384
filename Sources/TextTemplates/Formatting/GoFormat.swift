// SPDX-License-Identifier: Apache-2.0

/// Go's formatting for texts that are made without a template.
public enum GoFormat {
  /// What `Sprintf` makes, within 64 KiB.
  public static func text(_ format: String, _ values: TemplateValue...) -> String {
    var formatter = GoFormatter(limit: 64 << 10)
    formatter.print(format: Array(format.utf8), values)
    return String(decoding: formatter.bytes, as: UTF8.self)
  }

  /// A string in double quotes with Go's escapes.
  public static func quoted(_ text: String) -> String { GoQuoting.quoted(Array(text.utf8)) }
}
