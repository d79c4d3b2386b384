// SPDX-License-Identifier: Apache-2.0

/// What `inspect` knows of a container, as far as it is used here.
///
/// Shape: read by name from any version of the API; what a version does not have is filled from where it stands there.
public struct ContainerDetails: Sendable, Equatable {
  /// A port of the container with where the engine published it.
  public struct PublishedPort: Sendable, Equatable {
    /// Where it can be reached on the machine.
    public struct Binding: Sendable, Equatable {
      /// The address it is bound to; empty or `0.0.0.0` for all.
      public var hostIP: String
      /// The machine's port.
      public var hostPort: UInt16

      /// Makes a binding.
      public init(hostIP: String, hostPort: UInt16) {
        self.hostIP = hostIP
        self.hostPort = hostPort
      }
    }

    /// The port inside.
    public var port: ContainerPort
    /// Where it is published; empty when it is not.
    public var bindings: [Binding]

    /// Makes a port.
    public init(port: ContainerPort, bindings: [Binding]) {
      self.port = port
      self.bindings = bindings
    }
  }

  /// A network the container is on.
  public struct Network: Sendable, Equatable {
    /// The network's name.
    public var name: String
    /// The container's address there; empty while it does not run.
    public var ip: String

    /// Makes a network.
    public init(name: String, ip: String) {
      self.name = name
      self.ip = ip
    }
  }

  /// The container's id.
  public var id: ContainerID
  /// Its name without the leading slash.
  public var name: String
  /// The image as the creator wrote it.
  public var image: String
  /// Its environment, `KEY=value`, in order.
  public var environment: [String]
  /// Its labels.
  public var labels: [String: String]
  /// Ports that image or creator declare, in order of number.
  public var exposedPorts: [ContainerPort]
  /// Ports that are published, in order of number; empty while it does not run.
  public var publishedPorts: [PublishedPort]
  /// `HostConfig.NetworkMode`: `default`, `bridge`, `host`, `none`, `container:ID` or a network's name.
  public var networkMode: String
  /// The networks it is on, in order of name.
  public var networks: [Network]
  /// What it is doing.
  public var containerState: ContainerState
  /// Whether its output is one raw stream.
  public var hasTerminal: Bool
  /// Its own time between stop signal and SIGKILL; nil for the engine's 10 seconds.
  public var stopTimeoutSeconds: Int64?
  /// Its own stop signal, a name or a number; nil for SIGTERM.
  public var stopSignal: String?
  /// All that the engine said, where it was asked to be kept.
  public var document: ContainerDocument?

  /// Makes details; for tests and for engines that are not Docker.
  public init(
    id: ContainerID,
    name: String,
    image: String,
    environment: [String] = [],
    labels: [String: String] = [:],
    exposedPorts: [ContainerPort] = [],
    publishedPorts: [PublishedPort] = [],
    networkMode: String = "default",
    networks: [Network] = [],
    containerState: ContainerState
  ) {
    self.id = id
    self.name = name
    self.image = image
    self.environment = environment
    self.labels = labels
    self.exposedPorts = exposedPorts
    self.publishedPorts = publishedPorts
    self.networkMode = networkMode
    self.networks = networks
    self.containerState = containerState
    hasTerminal = false
  }
}

/// A port inside a container.
public struct ContainerPort: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The number.
  public var number: UInt16
  /// `tcp`, `udp` or `sctp`.
  public var transport: String

  /// Makes a port.
  public init(_ number: UInt16, _ transport: String = "tcp") {
    self.number = number
    self.transport = transport
  }

  /// Reads `80/tcp`; nil for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let number = UInt16(parts[0]) else { return nil }
    self.init(number, parts.count == 2 ? String(parts[1]) : "tcp")
  }

  /// The port as `80/tcp`.
  public var description: String { "\(number)/\(transport)" }

  /// Orders by number, then transport.
  public static func < (left: ContainerPort, right: ContainerPort) -> Bool {
    (left.number, left.transport) < (right.number, right.transport)
  }
}

/// One row of the engine's list of containers.
public struct ContainerSummary: Sendable, Equatable {
  /// The container's id.
  public var id: ContainerID
  /// Its name without the leading slash.
  public var name: String
  /// The image as the creator wrote it.
  public var image: String
  /// Its labels.
  public var labels: [String: String]
  /// Whether it runs.
  public var isRunning: Bool
  /// Whether it was made and never started.
  public var isNew: Bool

  /// Makes a row; for tests.
  public init(
    id: ContainerID,
    name: String,
    image: String = "",
    labels: [String: String] = [:],
    isRunning: Bool,
    isNew: Bool = false
  ) {
    self.id = id
    self.name = name
    self.image = image
    self.labels = labels
    self.isRunning = isRunning
    self.isNew = isNew
  }
}
