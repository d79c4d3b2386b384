// SPDX-License-Identifier: Apache-2.0

/// A socket unit's own settings, with systemd's defaults for what its file does not say.
///
/// Source: systemd.socket(5).
public struct SocketDefinition: Sendable, Equatable {
  /// Whether a socket of IPv6 takes connections of IPv4 too (`BindIPv6Only=`).
  public enum IPv6Binding: String, Sendable, Codable {
    /// As the machine says.
    case `default`
    case both
    case ipv6Only = "ipv6-only"
  }

  /// How its sockets are made.
  public struct Settings: Sendable, Hashable, Codable {
    /// `Backlog=`.
    public var backlog: Int32 = 4096
    /// `BindIPv6Only=`.
    public var ipv6Binding = IPv6Binding.default
    /// `SocketMode=`.
    public var mode: UInt32 = 0o666
    /// `DirectoryMode=`, of directories that are not there.
    public var directoryMode: UInt32 = 0o755
    /// `Symlinks=`.
    public var links: [String] = []
    /// `RemoveOnStop=`.
    public var isRemovedOnStop = false
    /// `NoDelay=`.
    public var hasNoDelay = false
    /// `KeepAlive=`.
    public var keepsAlive = false
    /// `KeepAliveTimeSec=`; nil is the machine's.
    public var keepAliveSeconds: Int32?
    /// `KeepAliveIntervalSec=`; nil is the machine's.
    public var keepAliveIntervalSeconds: Int32?
    /// `KeepAliveProbes=`; nil is the machine's.
    public var keepAliveProbes: Int32?
    /// `DeferAcceptSec=`; nil for none.
    public var deferAcceptSeconds: Int32?
    /// `ReusePort=`.
    public var reusesPort = false
    /// `FreeBind=`.
    public var bindsFreely = false
    /// `Transparent=`.
    public var isTransparent = false
    /// `Broadcast=`.
    public var mayBroadcast = false
    /// `PassCredentials=`.
    public var passesCredentials = false
    /// `ReceiveBuffer=`, in bytes; nil is the machine's.
    public var receiveBufferBytes: Int32?
    /// `SendBuffer=`, in bytes; nil is the machine's.
    public var sendBufferBytes: Int32?
    /// `PipeSize=`, in bytes; nil is the machine's.
    public var pipeBytes: Int32?
    /// `Priority=`; nil is the machine's.
    public var priority: Int32?
    /// `IPTTL=`; nil is the machine's.
    public var timeToLive: Int32?
    /// `Mark=`; nil is the machine's.
    public var mark: Int32?
    /// `TCPCongestion=`; nil is the machine's.
    public var congestion: String?
    /// `BindToDevice=`; nil for none.
    public var device: String?

    /// Makes systemd's defaults.
    public init() {}
  }

  /// The name of the Docker Engine's service, which no unit has here.
  public static let engineService = "docker.service"
  /// How many things one unit may listen on.
  public static let listenerLimit = 256

  /// What it listens on, in the order in which the service gets it.
  public var listeners: [SocketListener] = []
  /// How its sockets are made.
  public var settings = Settings()
  /// `SocketUser=`.
  public var user: String?
  /// `SocketGroup=`.
  public var group: String?
  /// `Accept=`: each connection gets an instance of a template of its own.
  public var accepts = false
  /// `MaxConnections=`: how many connections may be served at a time.
  public var maxConnections = 64
  /// `MaxConnectionsPerSource=`; 0 means no limit.
  public var maxConnectionsPerSource = 0
  /// `FlushPending=`: what waits when the service has ended is dropped.
  public var flushesPending = false
  /// `FileDescriptorName=`.
  public var descriptorName: String
  /// `TriggerLimitIntervalSec=` and `TriggerLimitBurst=`.
  public var triggerLimit = ServiceDefinition.StartLimit(interval: .seconds(2), burst: 20)
  /// What it starts: a service, or with ``accepts`` the template of one.
  public var service: String

  /// Makes a socket that listens on nothing.
  public init(name: UnitName) {
    descriptorName = name.rawValue
    service = "\(name.nameWithoutSuffix).service"
  }
}
