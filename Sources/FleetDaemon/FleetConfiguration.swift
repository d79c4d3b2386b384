// SPDX-License-Identifier: Apache-2.0
public import FleetWire

/// What a machine's part in the fleet depends on.
public struct FleetConfiguration: Sendable, Equatable {
  /// 32 hex digits; no two machines have the same.
  public var machineID: String
  /// Tells this installation from another with the same machine id; kept over restarts of the node.
  public var instanceToken: String
  /// The address other machines reach this one at.
  public var publicIP: String
  /// Where other machines reach this one's API; empty when they cannot.
  public var clientURL: String
  /// Configured metadata.
  public var metadata: [String: String]
  /// How long a machine counts as present after its last sign of life; at least one second.
  public var agentTTL: Duration
  /// How often engine and agent look without being woken.
  public var reconcileInterval: Duration
  /// Where the registry is kept.
  public var layout: RegistryLayout
  /// Whether this machine never leads.
  public var isEngineDisabled: Bool
  /// How long a request to the store may take.
  public var requestTimeout: Duration

  /// Makes a configuration; what is left out is fleet's default.
  public init(
    machineID: String,
    instanceToken: String,
    publicIP: String,
    clientURL: String = "",
    metadata: [String: String] = [:],
    agentTTL: Duration = .seconds(30),
    reconcileInterval: Duration = .seconds(2),
    layout: RegistryLayout = RegistryLayout(),
    isEngineDisabled: Bool = false,
    requestTimeout: Duration = .seconds(3)
  ) {
    self.machineID = machineID
    self.instanceToken = instanceToken
    self.publicIP = publicIP
    self.clientURL = clientURL
    self.metadata = metadata
    self.agentTTL = max(agentTTL, .seconds(1))
    self.reconcileInterval = max(reconcileInterval, .milliseconds(100))
    self.layout = layout
    self.isEngineDisabled = isEngineDisabled
    self.requestTimeout = requestTimeout
  }

  /// The record other machines see.
  var machineRecord: MachineRecord {
    MachineRecord(
      id: machineID,
      publicIP: publicIP,
      metadata: metadata,
      isEngineDisabled: isEngineDisabled,
      instanceToken: instanceToken,
      clientURL: clientURL
    )
  }

  /// The TTL in the store's whole seconds, rounded up.
  var presenceSeconds: UInt64 { Self.wholeSeconds(agentTTL) }
  /// How long the store may keep a refresh back, to write it together with those of other machines.
  ///
  /// It is more than ``presencePause``, so that all machines of a member of the store come to share one write a round.
  /// Round, loss and retry, in shares of the TTL: `1/8 + 1/6` is a round; a refresh that is lost, and tried again
  /// without patience, makes it `1/8 + (1/6 + 1/6) + 1/12 + 1/6`, less than 0.71 of the TTL, and no TTL makes more of it.
  /// A second loss adds `1/12 + 1/6`.
  var presencePatience: Duration { min(agentTTL / 6, .seconds(5)) }
  /// How long after the answer to a refresh the next one is asked for.
  var presencePause: Duration { agentTTL / 8 }
  /// How often a refresh that failed is tried again: often, to be back before others believe this machine lost.
  var presenceRetry: Duration { min(agentTTL / 12, .milliseconds(500)) }
  /// How long a write of presence or lease may take, beyond its patience.
  var presenceTimeout: Duration { min(agentTTL / 6, .seconds(2)) }

  /// The lease is short against the presence, so that a new engine leads before a dead leader's presence expires.
  var leaseSeconds: UInt64 { min(max(Self.wholeSeconds(agentTTL) / 5, 1), 6) }
  /// How often the lease is refreshed: three times in its life.
  var leaseInterval: Duration { .seconds(Int64(leaseSeconds)) / 3 }

  private static func wholeSeconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    return UInt64(max(seconds, 0)) + (attoseconds > 0 ? 1 : 0)
  }
}
