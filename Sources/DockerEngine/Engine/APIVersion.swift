// SPDX-License-Identifier: Apache-2.0

/// A version of the Engine API, `1.41`.
public struct APIVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The newest version whose shapes are understood here.
  public static let newest = APIVersion(major: 1, minor: 56)
  /// The oldest version whose shapes are understood here.
  public static let oldest = APIVersion(major: 1, minor: 24)

  /// Always 1 so far.
  public var major: Int
  /// What counts.
  public var minor: Int

  /// Makes a version.
  public init(major: Int, minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// Reads `1.41`; nil for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]) else { return nil }
    self.init(major: major, minor: minor)
  }

  /// The version to speak with an engine: the newest that both know, nil when there is none.
  static func negotiated(engine: APIVersion) -> APIVersion? {
    engine < oldest ? nil : min(engine, newest)
  }

  /// The version as `1.41`.
  public var description: String { "\(major).\(minor)" }

  /// Orders by major, then minor.
  public static func < (left: APIVersion, right: APIVersion) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }
}
