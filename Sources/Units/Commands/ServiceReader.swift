// SPDX-License-Identifier: Apache-2.0

/// What a unit file means, with what is wrong or not carried out.
public struct ServiceReading: Sendable, Equatable {
  /// What a unit is, by its type.
  public enum Kind: Sendable, Equatable {
    case service
    case target
    case path(PathDefinition)
    case timer(TimerDefinition)
    case socket(SocketDefinition)
    /// Of a type that is not run here.
    case notRun
  }

  /// What the unit is.
  public var kind: Kind
  /// The settings; of use only when no finding is an error.
  ///
  /// Of other units than services, what they have in common with those.
  public var definition: ServiceDefinition
  /// What its author should know, in the order of the file.
  public var findings: [UnitFinding]

  /// The findings that keep the unit from running.
  public var errors: [UnitFinding] { findings.filter { $0.severity == .error } }

  /// Reads a unit file under a name.
  ///
  /// - Parameters:
  ///   - file: The file; an instance's is its template's.
  ///   - name: The unit's name.
  ///   - specifiers: What the machine's specifiers stand for; the default does for a check.
  public init(
    _ file: UnitFile,
    name: UnitName,
    specifiers: SpecifierValues = SpecifierValues(machineID: "", bootID: "", hostName: "", kernelRelease: "")
  ) {
    var reader = ServiceReader(unit: name, specifiers: specifiers)
    reader.read(file)
    kind = reader.kind
    definition = reader.definition
    findings = reader.findings
  }
}

/// Goes through a file's options one by one.
struct ServiceReader {
  let unit: UnitName
  let specifiers: SpecifierValues
  var definition: ServiceDefinition
  var findings: [UnitFinding] = []
  /// What a path unit looks out for.
  var path: PathDefinition
  private var execution: ExecutionReader
  /// What the file says about the life of the service and what cannot be judged before its end.
  var lifecycle = LifecycleOptions()
  /// A timer's own settings; nil for another type.
  var timer: TimerDefinition?
  /// A socket's own settings, and what cannot be judged before the end of its file; nil for another type.
  var socket: SocketDefinition?
  var socketOptions = SocketOptions()

  /// What the unit is, as far as its file has been read.
  var kind: ServiceReading.Kind {
    switch unit.suffix {
    case "service": .service
    case "target": .target
    case "path": .path(path)
    default: timer.map { .timer($0) } ?? socket.map { .socket($0) } ?? .notRun
    }
  }

  init(unit: UnitName, specifiers: SpecifierValues) {
    self.unit = unit
    self.specifiers = specifiers
    definition = ServiceDefinition(name: unit)
    path = PathDefinition(name: unit)
    execution = ExecutionReader(unit: unit, specifiers: specifiers)
    if unit.suffix == "timer" { timer = TimerDefinition(name: unit) }
    if unit.suffix == "socket" { socket = SocketDefinition(name: unit) }
  }

  mutating func read(_ file: UnitFile) {
    let isService = kind == .service
    if kind == .notRun { findings.append(.unitTypeNotCarriedOut(unit.suffix)) }
    for option in file.options {
      var option = option
      option.value = Self.joined(option.value)
      // What begins with "X-" is for others than systemd.
      if option.section.hasPrefix("X-") || option.name.hasPrefix("X-") { continue }
      switch option.section {
      case "Unit": readUnit(option)
      case "Service" where isService: readService(option)
      case "Timer" where timer != nil: readTimer(option)
      case "Socket" where socket != nil: readSocket(option)
      case "Install": readInstall(option)
      case "Path" where unit.suffix == "path": readPath(option)
      default: readOtherSection(option)
      }
    }
    definition.execution = execution.wholeSettings
    switch kind {
    case .service: check()
    case .path: checkPath()
    case .timer: checkTimer()
    case .socket: checkSocket()
    case .target, .notRun: break
    }
  }

  /// Continuation lines become one line with blanks between; comment lines among them are dropped.
  private static func joined(_ value: String) -> String {
    guard value.contains("\n") else { return value }
    let lines = value.split(separator: "\n", omittingEmptySubsequences: false)
    let kept = lines.enumerated().filter { index, line in
      let first = line.first { $0 != " " && $0 != "\t" }
      return index == 0 || (first != "#" && first != ";")
    }
    var text = kept.map { $1.hasSuffix("\\") ? $1.dropLast() : $1 }.joined(separator: " ")
    while text.last == " " { text.removeLast() }
    return text
  }

  func expanded(_ text: String) -> String {
    specifiers.expand(text, for: unit)
  }

  /// Says of an option that nothing was done with it what is known of it.
  mutating func notCarriedOut(_ option: UnitOption) {
    add(DirectiveTable.finding(section: option.section, name: option.name, unitType: unit.suffix))
  }

  /// Each thing is said once.
  mutating func add(_ finding: UnitFinding) {
    if !findings.contains(finding) { findings.append(finding) }
  }

  /// Sections of the unit's own type that is not run yet are named by ``UnitFinding/unitTypeNotCarriedOut(_:)``; what
  /// stands in them is only looked at for misspellings.
  private mutating func readOtherSection(_ option: UnitOption) {
    let finding = DirectiveTable.finding(section: option.section, name: option.name, unitType: unit.suffix)
    if option.section.lowercased() == unit.suffix, case .notCarriedOut = finding { return }
    add(finding)
  }

  mutating func valueNotCarriedOut(_ option: UnitOption, instead: String) {
    findings.append(
      .valueNotCarriedOut(section: option.section, name: option.name, value: option.value, instead: instead)
    )
  }

  mutating func bad(_ option: UnitOption, _ expected: String) {
    findings.append(
      .badValue(section: option.section, name: option.name, value: option.value, expected: expected)
    )
  }

  // MARK: [Service]

  private mutating func readService(_ option: UnitOption) {
    if let stage = CommandStage(rawValue: option.name) {
      readCommands(option, stage)
    } else if execution.read(option) {
      execution.takeFindings().forEach { add($0) }
    } else if !readLifecycle(option) {
      notCarriedOut(option)
    }
  }

  private mutating func readCommands(_ option: UnitOption, _ stage: CommandStage) {
    do {
      let commands = try ExecCommand.parse(option.value, of: unit, specifiers: specifiers)
      if commands.isEmpty {
        definition.commands[stage] = nil
      } else {
        definition.commands[stage, default: []] += commands
      }
    } catch {
      findings.append(.badCommandLine(name: option.name, line: option.value, error))
    }
  }

  // MARK: Kinds of values

  typealias Setter<Value> = (inout ServiceDefinition, Value) -> Void

  mutating func boolean(_ option: UnitOption, _ set: Setter<Bool>) {
    if let value = BooleanValue.read(option.value) { set(&definition, value) } else { bad(option, "yes or no") }
  }

  mutating func number(_ option: UnitOption, _ set: Setter<Int>) {
    if let number = Int(option.value), (0...Int(UInt32.max)).contains(number) {
      set(&definition, number)
    } else {
      bad(option, "a number")
    }
  }

  mutating func span(_ option: UnitOption, _ set: Setter<TimeSpan>) {
    if let span = TimeSpan(option.value) {
      set(&definition, span)
    } else {
      bad(option, "a time span such as 5min 20s")
    }
  }

  /// A timeout: zero and infinity both mean none.
  mutating func timeout(_ option: UnitOption, _ set: Setter<Duration?>) {
    span(option) { definition, span in
      set(&definition, span.duration.flatMap { $0 == .zero ? nil : $0 })
    }
  }
}
