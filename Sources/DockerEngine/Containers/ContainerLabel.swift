// SPDX-License-Identifier: Apache-2.0

/// Labels that say whose a container is, since several machines may share one engine.
public enum ContainerLabel {
  /// The id of the machine whose unit made the container.
  public static let machine = "coracle.machine"
  /// The name of that unit.
  public static let unit = "coracle.unit"
  /// The command of that unit which lasts as long as the container, as `UNIT/RUN/NUMBER`; of a container in the background
  /// there is none.
  public static let command = "coracle.command"
  /// On a container of `--rm` that the command removes itself, `true`.
  public static let removes = "coracle.removes"

  /// The key of a container that a shell line of a unit has in the foreground.
  public static func shellKey(unit: String, invocation: String, processID: Int32) -> String {
    "\(unit)/\(invocation)/shell-\(processID)"
  }

  /// The run that such a key is of; nil for other keys.
  public static func invocation(ofShellKey key: String) -> String? {
    let parts = key.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count >= 3, parts[parts.count - 1].hasPrefix("shell-") else { return nil }
    return String(parts[parts.count - 2])
  }
}
