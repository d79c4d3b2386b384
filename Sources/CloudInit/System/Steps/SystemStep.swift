// SPDX-License-Identifier: Apache-2.0

/// One step of carrying a cloud-config out on a computer: what it is for, and what is done.
public struct SystemStep: Sendable, Equatable {
  /// When a step is carried out.
  public enum Phase: Sendable, Equatable {
    /// Before anything of a node runs: files, users, units of systemd.
    case preparation
    /// Once a node's services have been started, since it may wait for them: commands to units, scripts.
    case commands
  }

  /// What is done about it.
  public enum Decision: Sendable, Equatable {
    /// These actions, in their order.
    case change([SystemAction])
    /// Nothing: the computer is as wanted.
    case keep
    /// Nothing, because it cannot be done; the reason says what to do about it.
    case refuse(String)
    /// Nothing, because it has no place here; the reason says why.
    case leaveOut(String)
  }

  /// What it is, in one line for people, such as `write /etc/motd, 24 bytes, 0644 root:root`.
  public var title: String
  /// What is done about it.
  public var decision: Decision
  /// When it is carried out.
  public var phase: Phase
  /// Steps, by their places in the list, that must not have failed.
  public var needs: [Int]

  /// Makes a step.
  public init(_ title: String, _ decision: Decision, phase: Phase = .preparation, needs: [Int] = []) {
    self.title = title
    self.decision = decision
    self.phase = phase
    self.needs = needs
  }

  /// Whether the computer is another one after it.
  public var isChange: Bool {
    if case .change = decision { true } else { false }
  }
}
