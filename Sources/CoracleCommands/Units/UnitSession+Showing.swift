// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import FleetWire
import Units

extension UnitSession {
  /// `cat`: the unit file exactly as it is kept.
  func cat(_ arguments: [String]) async -> Int32 {
    guard arguments.count == 1 else { return report("One unit file must be provided") }
    let name = UnitReference(arguments[0]).name
    do {
      output.write(try await fleet.unit(named: name).file.serialized())
      return Self.done
    } catch .notFound {
      return report("Unit \(name) not found")
    } catch {
      return report("Error retrieving Unit \(name): \(text(error))")
    }
  }

  /// `status`: as `systemctl status` shows a unit; 3 when one is not active, as there.
  func status(_ arguments: [String], format: OutputFormat, nowEpochMilliseconds: Int64) async -> Int32 {
    guard !arguments.isEmpty else { return report("One or more units must be provided") }
    guard let references = await resolved(arguments) else { return Self.failed }
    var status = Self.done
    var reports: [UnitStatusReport] = []
    let machines = await machineNames()
    for name in references.map(\.name) {
      do {
        let report = try await inspection.status(of: name)
        if format == .table {
          if !reports.isEmpty { output.line("") }
          output.write(UnitStatusText.text(report, machines, nowEpochMilliseconds: nowEpochMilliseconds))
        }
        reports.append(report)
        if report.activeState != "active" { status = max(status, 3) }
      } catch {
        status = max(status, await ask(.status, about: name, after: error, missing: "be loaded"))
      }
    }
    if format == .json { output.line(JSONValue.array(reports.map(\.json)).text) }
    return status
  }

  /// `journal`: the last lines of a unit's output, and with `follow` those to come.
  func journal(_ arguments: [String], lines: Int, follow: Bool, style: JournalStyle) async -> Int32 {
    guard arguments.count == 1 else { return report("One unit must be provided") }
    let name = UnitReference(arguments[0]).name
    do {
      for try await line in inspection.journal(of: name, lines: lines, follow: follow) {
        output.line(UnitStatusText.line(line, style))
      }
      return Self.done
    } catch let error as FleetAPIError {
      let question = RemoteUnitQuestions.Question.journal(lines: lines, follow: follow, style: style)
      return await ask(question, about: name, after: error, missing: "be running")
    } catch {
      return report("Error reading the journal of \(name): \(text(error))")
    }
  }

  /// `explain`: where a unit is placed, or machine by machine why it is not.
  func explain(_ arguments: [String], format: OutputFormat) async -> Int32 {
    guard !arguments.isEmpty else { return report("One or more units must be provided") }
    guard let references = await resolved(arguments) else { return Self.failed }
    var status = Self.done
    var explanations: [UnitExplanation] = []
    let machines = await machineNames()
    for name in references.map(\.name) {
      do {
        let explanation = try await inspection.explain(name)
        if format == .table {
          if !explanations.isEmpty { output.line("") }
          for line in UnitExplanationText.lines(explanation, machines) { output.line(line) }
        }
        explanations.append(explanation)
      } catch .notFound {
        status = report("Unit \(name) does not exist.")
      } catch {
        status = report("Error explaining \(name): \(text(error))")
      }
    }
    if format == .json { output.line(JSONValue.array(explanations.map(\.json)).text) }
    return status
  }

  /// Asks the unit's machine itself, if that can help, or else says why there is no answer.
  private func ask(
    _ question: RemoteUnitQuestions.Question,
    about name: String,
    after error: FleetAPIError,
    missing what: String
  ) async -> Int32 {
    do {
      if let status = try await elsewhere?.ask(question, about: name, after: error, fleet) { return status }
    } catch {
      return report("Error running remote command: \(text(error))")
    }
    return await reportMissing(name, what, error)
  }

  /// Tells a unit that nobody knows from one that no machine has.
  private func reportMissing(_ name: String, _ what: String, _ error: FleetAPIError) async -> Int32 {
    guard error.httpStatus == 404 else { return report("Error asking for \(name): \(text(error))") }
    let isKnown = (try? await fleet.unit(named: name)) != nil
    return report(isKnown ? "Unit \(name) does not appear to \(what)." : "Unit \(name) does not exist.")
  }
}
