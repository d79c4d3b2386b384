// SPDX-License-Identifier: Apache-2.0

/// What can be done to machines that run units.
struct UnitFault: Sendable {
  /// Its name on the command line and in the table.
  var name: String
  /// What happens, for the table.
  var summary: String
  var action: Action

  enum Action: Sendable {
    case storeOutage(Outage)
    case cut(Victim, HostLinks.Loss, HostLinks.Direction)
    case cutMinority
    /// A member that the others and their heartbeats do not reach; clients do.
    case isolateMember
    case flap
    /// SIGSTOP of the node, for so many TTLs.
    case pause(Victim, ttls: Double)
    case kill([Part], Absence)
    case pauseUnitHost
    /// Node and unit-host are killed, and then the process of a unit.
    case loseUnwatched
    /// SIGTERM of the node.
    case stop(Absence)
    case leave
    case powerOff(Absence)
    case secondMachine
    case reinstalled
    case killAt(KillStep, Absence)
  }

  /// How the store is lost to everybody.
  enum Outage: Sendable {
    case paused, killed, rejected, dropped
    /// The nodes of all machines, not only of the members.
    case allKilled
  }

  enum Victim: Sendable {
    case worker, member, storeLeader, engine
  }

  /// What of a machine is killed.
  enum Part: Sendable {
    case node, unitHost
    /// Both in one go.
    case both
  }

  /// How long a machine is away.
  enum Absence: Sendable {
    /// It is back before its presence has expired.
    case short
    /// It is back long after its units run elsewhere.
    case long
  }
}

/// A step of a placement at which a node dies, and what leads there.
struct KillStep: Sendable {
  enum Trigger: Sendable {
    /// A new unit.
    case place
    /// The only machine that may have the unit is another one now.
    case move
    /// No machine may have the unit, and later one may again.
    case displace
    /// The engine that leads is killed.
    case succession
  }

  /// Its name: see `CORACLE_TEST_KILL_FILE` in docs/RELIABILITY.md.
  var step: String
  var trigger: Trigger = .place
  /// Whether every unit comes there, and so only the probe counts.
  var isOfUnit = true
}
