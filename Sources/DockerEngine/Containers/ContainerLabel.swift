// SPDX-License-Identifier: Apache-2.0

/// Labels that say whose a container is, since several machines may share one engine.
public enum ContainerLabel {
  /// The id of the machine whose unit made the container.
  public static let machine = "coracle.machine"
  /// The name of that unit.
  public static let unit = "coracle.unit"
}
