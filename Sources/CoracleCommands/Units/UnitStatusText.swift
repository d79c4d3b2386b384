// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import EtcdWire
import FleetWire

/// The forms of a journal's lines.
///
/// Source: journalctl(1), `--output`.
enum JournalStyle: String, ExpressibleByArgument, CaseIterable, Sendable {
  /// Time, program and process, text.
  case short
  /// The same with the date in full: `2026-11-21T01:23:46+0000`.
  case shortISO = "short-iso"
  /// One JSON object a line.
  case json
  /// The text alone.
  case cat

  /// The names, for messages.
  static let names = allCases.map(\.rawValue).joined(separator: ", ")
}

/// A unit's status as systemd's tools show it.
///
/// Source: systemctl(1), `status`.
enum UnitStatusText {
  static func text(
    _ report: UnitStatusReport,
    _ machines: MachineNames,
    nowEpochMilliseconds: Int64,
    zone: TimeText.Zone = .local
  ) -> String {
    var lines = ["● \(report.name) - \(report.description.isEmpty ? report.name : report.description)"]
    lines.append("   Loaded: \(report.loadState)")
    lines.append("   Active: \(activeLine(report, nowEpochMilliseconds, zone))")
    lines.append("  Machine: \(machines.text(report.machineID))")
    lines += report.warnings.map { "  Warning: \($0)" }
    for command in report.commands where command.status != "running" {
      let process = command.processID.map { "\($0) " } ?? ""
      lines.append("  Process: \(process)\(command.option)=\(command.line) (\(end(command.status)))")
    }
    if let main = report.mainProcessID {
      lines.append(" Main PID: \(main)" + (report.mainStatus.map { " (\(mainText($0)))" } ?? ""))
    } else if let status = report.mainStatus {
      lines.append("     Main: \(mainText(status))")
    }
    if let text = report.statusText { lines.append("   Status: \"\(text)\"") }
    if let container = report.containerID { lines.append("Container: \(container.prefix(12))") }
    if !report.journal.isEmpty { lines.append("") }
    lines += report.journal.map { line($0, .short, zone) }
    return lines.map { $0 + "\n" }.joined()
  }

  /// One line of a journal.
  static func line(_ line: JournalLine, _ style: JournalStyle, _ zone: TimeText.Zone = .local) -> String {
    switch style {
    case .cat: line.text
    case .json: line.json.text
    case .short: "\(TimeText.short(line.epochMilliseconds, zone)) \(labelled(line))"
    case .shortISO: "\(TimeText.iso(line.epochMilliseconds, zone)) \(labelled(line))"
    }
  }

  private static func labelled(_ line: JournalLine) -> String {
    line.source + (line.processID.map { "[\($0)]" } ?? "") + ": \(line.text)"
  }

  private static func activeLine(_ report: UnitStatusReport, _ now: Int64, _ zone: TimeText.Zone) -> String {
    var text = "\(report.activeState) (\(report.subState))"
    if let since = report.sinceEpochMilliseconds {
      text += " since \(TimeText.long(since, zone)); \(TimeText.ago(milliseconds: now - since)) ago"
    }
    return text
  }

  /// `0/SUCCESS` and `signal KILL` as systemctl words them.
  private static func end(_ status: String) -> String {
    if status.hasPrefix("signal ") { return "code=killed, signal=\(status.dropFirst("signal ".count))" }
    return status.contains("/") ? "code=exited, status=\(status)" : status
  }

  private static func mainText(_ status: String) -> String {
    status == "running" ? status : end(status)
  }
}
