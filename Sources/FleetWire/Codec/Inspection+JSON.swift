// SPDX-License-Identifier: Apache-2.0
public import EtcdWire
import Fleet

extension JournalLine {
  /// The line as a client receives it.
  public var json: JSONValue {
    var fields = FleetFields()
    fields.add("epochMilliseconds", epochMilliseconds)
    fields.add("processID", processID)
    fields.add("source", source)
    fields.add("text", text)
    return fields.json
  }

  /// Reads what a server sent; nil when it is no line.
  public init?(json: JSONValue) {
    guard let milliseconds = json["epochMilliseconds"]?.int64 else { return nil }
    self.init(
      epochMilliseconds: milliseconds,
      source: json.text("source"),
      processID: json["processID"]?.int64,
      text: json.text("text")
    )
  }
}

extension UnitStatusReport.CommandStatus {
  /// The command as a client receives it.
  public var json: JSONValue {
    var fields = FleetFields()
    fields.add("line", line)
    fields.add("option", option)
    fields.add("processID", processID)
    fields.add("status", status)
    return fields.json
  }

  /// Reads what a server sent; nil when it is no command.
  public init?(json: JSONValue) {
    guard let option = json["option"]?.string else { return nil }
    self.init(
      option: option,
      line: json.text("line"),
      processID: json["processID"]?.int64,
      status: json.text("status")
    )
  }
}

extension UnitStatusReport {
  /// The report as a client receives it.
  public var json: JSONValue {
    var fields = FleetFields()
    fields.add("activeState", activeState)
    fields.add("commands", commands.map(\.json))
    fields.add("containerID", containerID)
    fields.add("description", description)
    fields.add("journal", journal.map(\.json))
    fields.add("loadState", loadState)
    fields.add("machineID", machineID)
    fields.add("mainProcessID", mainProcessID)
    fields.add("mainStatus", mainStatus)
    fields.add("name", name)
    fields.add("sinceEpochMilliseconds", sinceEpochMilliseconds)
    fields.add("statusText", statusText)
    fields.add("subState", subState)
    fields.add("warnings", warnings.map { .string($0) })
    return fields.json
  }

  /// Reads what a server sent; nil when it is no report.
  public init?(json: JSONValue) {
    guard let name = json["name"]?.string else { return nil }
    self.init(
      name: name,
      description: json.text("description"),
      machineID: json.text("machineID"),
      loadState: json.text("loadState"),
      activeState: json.text("activeState"),
      subState: json.text("subState"),
      sinceEpochMilliseconds: json["sinceEpochMilliseconds"]?.int64,
      mainProcessID: json["mainProcessID"]?.int64,
      containerID: json["containerID"]?.string,
      mainStatus: json["mainStatus"]?.string,
      statusText: json["statusText"]?.string,
      commands: (json["commands"]?.array ?? []).compactMap { CommandStatus(json: $0) },
      warnings: (json["warnings"]?.array ?? []).compactMap(\.string),
      journal: (json["journal"]?.array ?? []).compactMap { JournalLine(json: $0) }
    )
  }
}

extension UnitExplanation {
  /// The explanation as a client receives it.
  public var json: JSONValue {
    var fields = FleetFields()
    fields.add("currentState", currentState?.rawValue)
    fields.add("global", isGlobal)
    fields.add("machineID", machineID)
    fields.add("name", name)
    fields.add("refusals", refusals.map(\.json))
    fields.add("summary", summary)
    fields.add("targetState", targetState.rawValue)
    return fields.json
  }

  /// Reads what a server sent; nil when it is no explanation.
  public init?(json: JSONValue) {
    guard let name = json["name"]?.string, let targetState = JobState(rawValue: json.text("targetState")) else {
      return nil
    }
    self.init(
      name: name,
      targetState: targetState,
      currentState: JobState(rawValue: json.text("currentState")),
      isGlobal: json["global"]?.bool ?? false,
      machineID: json["machineID"]?.string,
      summary: json.text("summary"),
      refusals: (json["refusals"]?.array ?? []).compactMap { FleetRefusal(json: $0) }
    )
  }
}
