// SPDX-License-Identifier: Apache-2.0

/// The process that owns the units' processes, started by the node and living longer than it.
public enum UnitHost {
  /// Carries out `coracle unit-host --state-dir DIR`; returns when there is nothing left to own and nobody to ask.
  ///
  /// - Parameter arguments: The words after `unit-host`.
  /// - Returns: The process's exit code.
  public static func main(arguments: [String]) -> Int32 { 2 }
}
