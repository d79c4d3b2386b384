// SPDX-License-Identifier: Apache-2.0

/// What `docker run` and `docker create` ask for.
///
/// Shape: what goes to the engine as it stands is kept as the JSON of the Engine API; what depends on the caller's
/// environment or files (`-e NAME`, `--env-file`, `--label-file`, relative paths of `-v`) is kept as written until
/// ``ContainerCreation`` resolves it. Only what was set is sent.
public struct ContainerSpecification: Sendable, Equatable {
  /// The image as written.
  public var image: String
  /// The words after the image, verbatim; empty takes the image's own command.
  public var arguments: [String]
  /// `--name`; nil lets the engine make one up.
  public var name: String?
  /// `--platform`.
  public var platform: String?
  /// `-d`.
  public var isDetached: Bool
  /// `--rm`: carried out by us after the exit has been recorded, or by the engine where nobody waits.
  public var removesOnExit: Bool
  /// `-t`: the output is one raw stream.
  public var hasTerminal: Bool
  /// `--cidfile`: where the id is written.
  public var containerIDFile: String?
  /// `--pull`.
  public var pullPolicy: PullPolicy
  /// `-q`: the progress of a pull is not shown.
  public var isQuiet: Bool

  /// `--detach-keys`; nil is `ctrl-p,ctrl-q`.
  public var detachKeys: DetachKeys?
  /// Whether signals are handed on: all but `--sig-proxy=false`.
  public var passesSignals = true

  /// When an image is pulled before its container is made.
  public enum PullPolicy: String, Sendable {
    /// Every time.
    case always
    /// When the engine does not have it.
    case missing
    /// Never.
    case never
  }

  /// `Config` members of the create body.
  var configuration = JSONObject()
  /// `HostConfig` members of the create body.
  var hostConfiguration = JSONObject()
  /// Members of the one endpoint of `NetworkingConfig`.
  var endpoint = JSONObject()
  /// `-e`, in order; a bare name takes the caller's value.
  var environment: [String] = []
  /// `--env-file`, in order.
  var environmentFiles: [String] = []
  /// `-l`, in order.
  var labels: [String] = []
  /// `--label-file`, in order.
  var labelFiles: [String] = []
  /// `-v HOST:CONTAINER[:OPTIONS]`, in order.
  var binds: [String] = []
  /// `-a`, in order.
  var attachedStreams: [String] = []

  /// Makes a specification without any flag set.
  public init(image: String, arguments: [String] = [], name: String? = nil) {
    self.image = image
    self.arguments = arguments
    self.name = name
    isDetached = false
    removesOnExit = false
    hasTerminal = false
    pullPolicy = .missing
    isQuiet = false
  }

  /// The same where nobody here waits for its end: the engine removes it (`--rm`).
  func removedByEngine() -> ContainerSpecification {
    var specification = self
    if removesOnExit { specification.hostConfiguration["AutoRemove"] = .bool(true) }
    return specification
  }

  /// The same with nothing to read: a unit's standard input is `/dev/null`, and `docker run -i` hands its end on.
  func withoutStandardInput() -> ContainerSpecification {
    var specification = self
    for member in ["AttachStdin", "OpenStdin", "StdinOnce"] { specification.configuration[member] = nil }
    return specification
  }
}
