// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CloudInit
import EtcdWire

extension CloudConfigCommand {
  struct Plan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print what a cloud-config would change on this computer, line by line; change nothing.",
      discussion: """
        Each line begins with what is done: change, keep (it is as wanted), skip (it has no place here), refuse (it cannot \
        be done), and node for what a node does itself with every start. Exit status 1 when something cannot be done.
        """
    )
    @OptionGroup var place: PlaceOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
      let (plan, application) = try await place.application(changes: false)
      let node = NodeDuties.lines(of: plan)
      switch output.output {
      case .table:
        for step in application.steps { CommandOutput.standard.line(Self.line(step)) }
        for line in node { CommandOutput.standard.line("node    \(line)") }
      case .json:
        let document: JSONValue = [
          "steps": .array(application.steps.map(Self.json)), "node": .array(node.map { .string($0) }),
        ]
        CommandOutput.standard.write(document.text + "\n")
      }
      let changes = application.steps.count { $0.isChange }
      CommandOutput.standard.errorLine(changes == 0 ? "nothing to change" : PlaceOptions.count(changes, "change"))
      if application.steps.contains(where: { Self.words($0).verb == "refuse" }) { throw ExitCode(1) }
    }

    private static func line(_ step: SystemStep) -> String {
      let (verb, reason) = words(step)
      let column = verb + String(repeating: " ", count: 8 - verb.count)
      return "\(column)\(step.title)\(reason.map { ": \($0)" } ?? "")"
    }

    private static func json(_ step: SystemStep) -> JSONValue {
      let (verb, reason) = words(step)
      return ["action": .string(verb), "step": .string(step.title), "reason": reason.map { .string($0) } ?? .null]
    }

    private static func words(_ step: SystemStep) -> (verb: String, reason: String?) {
      switch step.decision {
      case .change: ("change", nil)
      case .keep: ("keep", nil)
      case .leaveOut(let reason): ("skip", reason)
      case .refuse(let reason): ("refuse", reason)
      }
    }
  }

  struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract:
        "Carry a cloud-config out on this computer once: what `coracle node --apply-system` does with every start.",
      discussion: """
        Prints a line for each change. What is as wanted already is left alone; what fails is said, and only what needs it \
        is left out. Needs root, but with --root. Nothing of the cluster is started. Exit status 1 when something failed.
        """
    )
    @OptionGroup var place: PlaceOptions

    func run() async throws {
      var (_, application) = try await place.application(changes: true)
      let stop = ChildStop()
      do {
        for phase in [SystemStep.Phase.preparation, .commands] {
          try await application.carryOut(phase, stop: stop, report: Self.report)
        }
      } catch {
        CommandOutput.standard.errorLine("\(error)")
        throw ExitCode(1)
      }
      if application.changes == 0, application.failures == 0 {
        CommandOutput.standard.line("nothing to change")
        return
      }
      CommandOutput.standard.line(PlaceOptions.count(application.changes, "change"))
      guard application.failures > 0 else { return }
      CommandOutput.standard.errorLine(PlaceOptions.count(application.failures, "failure"))
      throw ExitCode(1)
    }

    @Sendable private static func report(_ event: SystemApplication.Event) {
      let output = CommandOutput.standard
      switch event {
      case .done(let step): output.line(step)
      case .failed(let step, let reason): output.errorLine("failed: \(step): \(reason)")
      case .leftOut(let step, let reason): output.errorLine("left out: \(step): \(reason)")
      case .said(let name, let line): output.line("\(name): \(line)")
      }
    }
  }
}
