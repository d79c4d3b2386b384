// SPDX-License-Identifier: Apache-2.0

/// What becomes of a service of `Type=oneshot` once it has done its work.
public enum Oneshot: Sendable {
  /// It is inactive, and each further start does the work again.
  case ends
  /// It is active (`RemainAfterExit=yes`).
  case remains
}

extension UnitFile {
  /// What becomes of the service once it has done its work; nil when it is none of `Type=oneshot`.
  ///
  /// Source: systemd.service(5), `Type=`, `RemainAfterExit=`.
  public var oneshot: Oneshot? {
    guard values("Service", "Type").last == "oneshot" else { return nil }
    let remains = values("Service", "RemainAfterExit").compactMap(BooleanValue.read).last ?? false
    return remains ? .remains : .ends
  }
}
