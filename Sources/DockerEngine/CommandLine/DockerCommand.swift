// SPDX-License-Identifier: Apache-2.0

/// One understood `docker` command: the verb with its typed options.
///
/// Invariant: nothing in it was guessed; a flag or verb that is not understood never gets this far.
public enum DockerCommand: Sendable, Equatable {
  /// `docker run`: create and start, attached unless `-d`.
  case run(ContainerSpecification)
  /// `docker create`: create only, and print the id.
  case create(ContainerSpecification)
  /// `docker start [-a] NAME…`.
  case start(StartOptions)
  /// `docker stop [-t SECONDS] NAME…`.
  case stop(StopOptions)
  /// `docker kill [-s SIGNAL] NAME…`.
  case kill(KillOptions)
  /// `docker rm [-f] [-v] NAME…`.
  case remove(RemoveOptions)
  /// `docker pull IMAGE`.
  case pull(PullOptions)
  /// `docker inspect [-f TEMPLATE] NAME…`.
  case inspect(InspectOptions)

  /// Whether the command stands for a container that runs as long as the command does: `run` without `-d`, `start -a`.
  ///
  /// Such a command, as the main process of a unit, is carried out in steps that survive a restart of the caller:
  /// ``DockerCommandExecutor/begin(_:for:output:)``, then start and wait.
  public var isForeground: Bool {
    switch self {
    case .run(let specification): !specification.isDetached
    case .start(let options): options.isAttached
    case .create, .stop, .kill, .remove, .pull, .inspect: false
    }
  }
}

/// Options of `docker start`.
public struct StartOptions: Sendable, Equatable {
  /// Names or ids, in the order given.
  public var containers: [String]
  /// `-a`: follow the output and take on the container's exit code; one container only.
  public var isAttached: Bool
}

/// Options of `docker stop`.
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
}

/// Options of `docker pull`.
public struct PullOptions: Sendable, Equatable {
  /// The image as written.
  public var image: ImageReference
  /// `--platform`.
  public var platform: String?
  /// `-q`: print the name only.
  public var isQuiet: Bool
  /// `-a`: every tag of the repository.
  public var pullsAllTags: Bool
}

/// Options of `docker inspect`.
public struct InspectOptions: Sendable, Equatable {
  /// What the names are.
  public enum Subject: String, Sendable {
    /// Containers first, then images.
    case any
    /// Containers only.
    case container
    /// Images only.
    case image
  }

  /// Names or ids.
  public var names: [String]
  /// `-f`: what to print of each; nil prints everything as JSON.
  public var template: InspectTemplate?
  /// `--type`.
  public var subject: Subject
  /// `-s`: ask for sizes.
  public var includesSize: Bool
}
