// SPDX-License-Identifier: Apache-2.0

extension UnitName {
  /// Replaces `%n`, `%N`, `%p` and `%i` as fleet does inside `[X-Fleet]`: plain text, one after the other.
  ///
  /// Everything else stays, `%%` too. All other sections follow systemd's rules: ``SpecifierValues``.
  /// Source: specs/fleet.md §4.2.
  public func expandingFleetSpecifiers(in text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
    return text.replacing("%n", with: rawValue)
      .replacing("%N", with: nameWithoutSuffix)
      .replacing("%p", with: prefix)
      .replacing("%i", with: instance ?? "")
  }
}
