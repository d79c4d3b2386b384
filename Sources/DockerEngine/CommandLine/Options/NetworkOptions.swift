// SPDX-License-Identifier: Apache-2.0

/// Options of `docker network rm` and `docker volume rm`.
public struct RemoveNamedOptions: Sendable, Equatable {
  /// Names or ids.
  public var names: [String]
  /// `-f`: one that is not there is no error.
  public var isForced: Bool
}

/// Options of `docker network create`.
public struct NetworkCreateOptions: Sendable, Equatable {
  /// The network's name.
  public var name: String
  /// The request body but for the name.
  var settings: JSONObject
}

/// Options of `docker network connect`.
public struct NetworkConnectOptions: Sendable, Equatable {
  /// The network.
  public var network: String
  /// The container.
  public var container: String
  /// The endpoint's settings as the Engine API wants them.
  var endpoint: JSONObject
}

/// Options of `docker network disconnect`.
public struct NetworkDisconnectOptions: Sendable, Equatable {
  /// The network.
  public var network: String
  /// The container.
  public var container: String
  /// `-f`.
  public var isForced: Bool
}

/// Options of `docker volume create`.
public struct VolumeCreateOptions: Sendable, Equatable {
  /// The volume's name; nil lets the engine make one up.
  public var name: String?
  /// `-d`.
  public var driver: String
  /// The request body but for name and driver.
  var settings: JSONObject
}

/// Options of the verbs `prune`.
public struct PruneOptions: Sendable, Equatable {
  /// What is removed when nothing uses it.
  public enum Subject: String, Sendable {
    /// Containers that do not run.
    case containers
    /// Images.
    case images
    /// Networks.
    case networks
    /// Volumes.
    case volumes
    /// All of them, volumes only when asked for.
    case system
  }

  /// What is removed.
  public var subject: Subject
  /// `-f`: nobody is asked.
  public var isForced: Bool
  /// `-a`: images or volumes with a name too.
  public var removesNamed: Bool
  /// `--volumes` of `system prune`.
  public var removesVolumes: Bool
  /// `--filter`, in order.
  public var filters: [ListFilter]
}
