// SPDX-License-Identifier: Apache-2.0

/// Options of `docker start`.
public struct StartOptions: Sendable, Equatable {
  /// Names or ids, in the order given.
  public var containers: [String]
  /// `-a` or `-i`: follow the output and take on the container's exit code; one container only.
  public var isAttached: Bool
  /// `-i`: hand over standard input.
  public var isInteractive = false
  /// `--detach-keys`; nil is `ctrl-p,ctrl-q`.
  public var detachKeys: DetachKeys?
}

/// Options of `docker stop` and `docker restart`.
public struct StopOptions: Sendable, Equatable {
  /// Names or ids; they are stopped at the same time.
  public var containers: [String]
  /// `-t`: seconds before SIGKILL; nil takes the container's own (10 by default), negative waits for ever.
  public var timeoutSeconds: Int64?
  /// `-s`: the signal to ask with; nil is the container's own.
  public var signal: String?
}

/// Options of `docker kill`.
public struct KillOptions: Sendable, Equatable {
  /// Names or ids.
  public var containers: [String]
  /// `-s`: the signal by name or number; nil is SIGKILL.
  public var signal: String?
}

/// Options of `docker rm`.
public struct RemoveOptions: Sendable, Equatable {
  /// Names or ids.
  public var containers: [String]
  /// `-f`: kill it first when it runs; a container that is not there is no error.
  public var isForced: Bool
  /// `-v`: remove its anonymous volumes too.
  public var removesVolumes: Bool
  /// `-l`: the names are links, `/CONTAINER/ALIAS`.
  public var removesLinks = false
}

/// Options of `docker update`.
public struct UpdateOptions: Sendable, Equatable {
  /// Names or ids.
  public var containers: [String]
  /// What changes, as the Engine API wants it.
  var changes: JSONObject
}

/// Options of `docker exec`.
public struct ExecOptions: Sendable, Equatable {
  /// Name or id.
  public var container: String
  /// The command with its arguments.
  public var words: [String]
  /// `-d`: do not wait for it.
  public var isDetached: Bool
  /// `-i`: hand over standard input.
  public var isInteractive: Bool
  /// `-t`.
  public var hasTerminal: Bool
  /// `--privileged`.
  public var isPrivileged: Bool
  /// `-u`.
  public var user: String?
  /// `-w`.
  public var workingDirectory: String?
  /// `-e`, in order; a bare name takes the caller's value.
  public var environment: [String]
  /// `--env-file`, in order.
  public var environmentFiles: [String]
  /// `--detach-keys`; nil is `ctrl-p,ctrl-q`.
  public var detachKeys: DetachKeys?
}

/// Options of `docker attach`.
public struct AttachOptions: Sendable, Equatable {
  /// Name or id.
  public var container: String
  /// Whether standard input is handed over: all but `--no-stdin`.
  public var isInteractive: Bool
  /// Whether signals are handed on: all but `--sig-proxy=false`.
  public var passesSignals: Bool
  /// `--detach-keys`; nil is `ctrl-p,ctrl-q`.
  public var detachKeys: DetachKeys?
}

/// Options of `docker logs`.
public struct LogsOptions: Sendable, Equatable {
  /// Name or id.
  public var container: String
  /// `-f`.
  public var isFollowed: Bool
  /// `-t`.
  public var showsTimestamps: Bool
  /// `--details`.
  public var showsDetails: Bool
  /// `--tail` as written; nil is everything.
  public var tail: String?
  /// `--since` as written.
  public var since: String?
  /// `--until` as written.
  public var until: String?
}

/// Options of `docker cp`.
public struct CopyOptions: Sendable, Equatable {
  /// One end of a copy.
  public enum Place: Sendable, Equatable {
    /// A path inside a container.
    case container(String, path: String)
    /// A path of the caller's.
    case local(String)
    /// A tar archive on standard input or output.
    case archive
  }

  /// Where it comes from.
  public var source: Place
  /// Where it goes.
  public var destination: Place
  /// `-a`: owners are kept.
  public var keepsOwners: Bool
  /// `-L`: a symbolic link as source means what it points to.
  public var followsLink: Bool
  /// `-q`: nothing is said.
  public var isQuiet: Bool
}

/// Options of `docker export`.
public struct ExportOptions: Sendable, Equatable {
  /// Name or id.
  public var container: String
  /// `-o`; nil is standard output.
  public var file: String?
}

/// Options of `docker commit`.
public struct CommitOptions: Sendable, Equatable {
  /// Name or id.
  public var container: String
  /// The image's name; nil leaves it without.
  public var image: ImageReference?
  /// `-a`.
  public var author: String?
  /// `-c`, in order.
  public var changes: [String]
  /// `-m`.
  public var message: String?
  /// Whether the container is paused meanwhile: all but `--pause=false`.
  public var pauses: Bool
}
