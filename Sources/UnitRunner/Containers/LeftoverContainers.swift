// SPDX-License-Identifier: Apache-2.0
import DockerEngine

/// Decides which containers of this machine's units nobody has any use for.
///
/// A container is this machine's when its label says so, and only then is it looked at. It is a leftover
///
/// - when its command is over (of `docker run` in the foreground) and it still runs, has never run, or is one of `--rm`:
///   its node or engine was killed at the wrong moment, or its unit gave up on it;
/// - when its unit is neither loaded here nor placed here. As long as it is not known what is placed here, no unit is gone.
///
/// Every judgment is made twice, on what was known before the containers were listed and on what was known after it, so that
/// neither a container that is just being made nor one that has just ended is taken for a leftover.
struct LeftoverContainers {
  /// What is known of the units of this machine.
  struct Units: Sendable, Equatable {
    struct Unit: Sendable, Equatable {
      /// The run it is in, or was in last.
      var invocation: String
      /// Whether something of it runs.
      var isRunning: Bool
      /// The keys of the containers that it has in the foreground.
      var containerKeys: Set<String>
    }

    /// Those that are loaded, by name.
    var loaded: [String: Unit] = [:]
    /// Those that belong here; nil when that is not known.
    var placed: Set<String>?
  }

  /// What is to become of a container.
  enum Verdict: Sendable, Equatable {
    /// It stays.
    case keep
    /// It is removed, with its anonymous volumes when `--rm` would have.
    case remove(reason: Reason, volumes: Bool)
    /// It is removed unless it has volumes: it does not run, and may be there for them.
    case removeUnlessItHasVolumes
  }

  /// Why a container is a leftover.
  enum Reason: String, Sendable {
    case commandIsOver = "its command is over"
    case unitIsGone = "its unit is not on this machine any more"
  }

  /// Judges a container by what was known before and after it was listed.
  static func verdict(on container: ContainerSummary, _ before: Units, _ after: Units) -> Verdict {
    let verdict = verdict(on: container, before)
    return verdict == Self.verdict(on: container, after) ? verdict : .keep
  }

  static func verdict(on container: ContainerSummary, _ units: Units) -> Verdict {
    guard let name = container.labels[ContainerLabel.unit] else { return .keep }
    let key = container.labels[ContainerLabel.command]
    let removes = container.labels[ContainerLabel.removes] != nil
    if let unit = units.loaded[name] {
      guard let key, isOver(key, unit), container.isRunning || container.isNew || removes else { return .keep }
      return .remove(reason: .commandIsOver, volumes: removes)
    }
    guard let placed = units.placed, !placed.contains(name) else { return .keep }
    if key == nil, !container.isRunning { return .removeUnlessItHasVolumes }
    return .remove(reason: .unitIsGone, volumes: removes)
  }

  /// Whether the command of a container in the foreground is over.
  ///
  /// Those of shell lines have keys that nobody keeps (``ContainerLabel/shellKey(unit:invocation:processID:)``); they last
  /// as long as their run at most.
  private static func isOver(_ key: String, _ unit: Units.Unit) -> Bool {
    guard let invocation = ContainerLabel.invocation(ofShellKey: key) else { return !unit.containerKeys.contains(key) }
    return !unit.isRunning || unit.invocation != invocation
  }
}
