// SPDX-License-Identifier: Apache-2.0

/// Something that happened to a container.
public struct EngineEvent: Sendable, Equatable {
  /// What happened.
  public enum Action: Sendable, Equatable {
    /// The process began.
    case start
    /// The process ended.
    case die
    /// The engine's `stop` has ended the process; comes after ``die``.
    case stop
    /// A signal was sent.
    case kill(signal: String)
    /// The container was removed.
    case destroy
    /// The container has a new name.
    case rename
    /// The process was frozen.
    case pause
    /// The process was thawed.
    case unpause
    /// The health check has a new result.
    case health(String)
    /// Anything else, by its word.
    case other(String)
  }

  /// What happened.
  public var action: Action
  /// To which container.
  public var container: ContainerID
  /// When, by the engine's clock, in nanoseconds since the Unix epoch; 0 when the engine did not say.
  public var timeNanoseconds: Int64
  /// Of ``Action/die``: the exit code; nil of others and when the engine did not say.
  public var exitCode: Int32?

  /// Makes an event.
  public init(action: Action, container: ContainerID, timeNanoseconds: Int64 = 0, exitCode: Int32? = nil) {
    self.action = action
    self.container = container
    self.timeNanoseconds = timeNanoseconds
    self.exitCode = exitCode
  }

  /// Reads an event in its old shape (`status`, `id`), its new one (`Action`, `Actor.ID`) or Podman's (`died`,
  /// `containerExitCode`); nil for what is no container's.
  init?(_ json: JSONValue) {
    guard let word = json["Action"]?.string ?? json["status"]?.string,
      let id = json["Actor"]?["ID"]?.string ?? json["id"]?.string,
      (json["Type"]?.string ?? "container") == "container"
    else { return nil }
    container = ContainerID(id)
    timeNanoseconds = json["timeNano"]?.int64 ?? (json["time"]?.int64 ?? 0) * 1_000_000_000
    action =
      switch word {
      case "start": .start
      case "die", "died": .die
      case "stop": .stop
      case "kill": .kill(signal: json["Actor"]?["Attributes"]?["signal"]?.string ?? "")
      case "destroy", "remove": .destroy
      case "rename": .rename
      case "pause": .pause
      case "unpause": .unpause
      case _ where word.hasPrefix("health_status: "): .health(String(word.dropFirst("health_status: ".count)))
      default: .other(word)
      }
    let attributes = json["Actor"]?["Attributes"]
    let code = attributes?["exitCode"]?.string ?? attributes?["containerExitCode"]?.string
    exitCode = action == .die ? code.flatMap(Int32.init) : nil
  }
}

/// What a subscription to an engine's events delivers.
public enum EngineEventUpdate: Sendable, Equatable {
  /// The subscription stands; what happened before may have been missed.
  case connected
  /// Something happened.
  case event(EngineEvent)
  /// The subscription broke off, for this reason; it is made again by itself.
  case disconnected(reason: String)
}
