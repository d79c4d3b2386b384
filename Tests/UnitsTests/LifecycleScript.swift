// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

/// Steps a machine and writes down what it wants and where it stands, one line for each input.
struct Script {
  var machine: UnitLifecycle
  var now = Duration.zero

  init(_ service: String, resuming snapshot: UnitLifecycle.Snapshot = UnitLifecycle.Snapshot()) throws {
    let file = try UnitFile(parsing: "[Service]\n\(service)")
    let reading = ServiceReading(file, name: try UnitName("a.service"))
    try #require(reading.errors.isEmpty)
    machine = UnitLifecycle(reading.definition, resuming: snapshot)
  }

  mutating func start() -> String { line { $0.start(at: $1) } }
  mutating func stop() -> String { line { $0.stop(at: $1) } }
  mutating func main(_ end: ProcessEnd) -> String { line { $0.ended(.main, end, at: $1) } }
  mutating func control(_ end: ProcessEnd) -> String { line { $0.ended(.control, end, at: $1) } }
  mutating func executed() -> String { line { $0.started(.main, at: $1) } }
  mutating func emptied() -> String { line { $0.groupEmptied(at: $1) } }
  mutating func reload() -> String { line { $0.reload(at: $1) } }
  mutating func restart() -> String { line { $0.stopToRestart(at: $1) + $0.start(at: $1) } }
  mutating func found() -> String { line { $0.mainFound(at: $1) } }
  mutating func missing(groupIsEmpty: Bool = false) -> String {
    line { $0.mainMissing(groupIsEmpty: groupIsEmpty, at: $1) }
  }
  func reminders() -> [String] { machine.reminders().map(Self.word) }

  mutating func says(_ text: String, _ sender: NotificationSender = .main, namesMain: Bool = false) -> String {
    let notification = ServiceNotification(parsing: text.replacing(" ", with: "\n"))
    return line { $0.notified(notification, from: sender, namesMain: namesMain, at: $1) }
  }

  mutating func timer() -> String {
    now = machine.deadline ?? now
    return line { $0.timerFired(at: $1) }
  }

  private mutating func line(_ input: (inout UnitLifecycle, Duration) -> [UnitDirective]) -> String {
    let directives = input(&machine, now).map(Self.word)
    let result = machine.activity.result == .success ? "" : " (\(machine.activity.result.rawValue))"
    return (directives + ["= \(machine.activity.sub.rawValue)\(result)"]).joined(separator: "; ")
  }

  private static func word(_ directive: UnitDirective) -> String {
    switch directive {
    case .run(let position, let role): "\(role.rawValue) \(position)"
    case .signal(let signal, let scope): "\(signal.name) to \(scope.rawValue)"
    case .dropControl: "drop control"
    case .findMain(let search): "find main: \(search.rawValue)"
    case .takeNotifiedMain: "take main"
    case .watchGroup: "watch group"
    case .removePIDFile: "remove PID file"
    }
  }
}

let ok = ProcessEnd.exited(0)
let failure = ProcessEnd.exited(1)
let terminated = ProcessEnd.signaled(.terminate, dumpedCore: false)
let killed = ProcessEnd.signaled(.kill, dumpedCore: false)
