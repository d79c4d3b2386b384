// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import Foundation
import Glibc

/// A unit of the runs.
struct TestedUnit: Sendable {
  enum Kind: Sendable {
    /// One process somewhere.
    case process
    /// One process on every machine.
    case global
    /// Nothing that stays: `Type=oneshot` with `RemainAfterExit=yes`.
    case oneshot
  }

  var name: String
  var kind: Kind
  /// The unit it must share its machine with.
  var companion: String?
  /// Whether it excludes the others of its template.
  var isExclusive = false
  var text: String
}

/// The units of all runs, one of every kind, and the programs that they execute.
///
/// A unit's process shows its unit and its machine on its command line, so that `/proc` alone tells what runs where. Each
/// start writes a line into one file, so that none is missed between two looks.
struct UnitSet: Sendable {
  let directory: URL

  /// The program of the processes that stay; its path marks them.
  var program: String { directory.appendingPathComponent("run").path }
  /// The program of the oneshot unit.
  private var note: String { directory.appendingPathComponent("note").path }
  /// Lines `UPTIME start|stop UNIT MACHINE PID`.
  var startsFile: URL { directory.appendingPathComponent("starts") }

  /// Writes the programs.
  func prepare() throws {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let never = directory.appendingPathComponent("never").path
    guard mkfifo(never, 0o600) == 0 || errno == EEXIST else { throw CocoaError(.fileWriteUnknown) }
    // A shell that opens a pipe which nobody writes to waits without a child of its own.
    try """
    #!/bin/sh
    read -r up _ </proc/uptime
    echo "$up start $1 $2 $$" >>\(startsFile.path)
    [ "$3" != notify ] || exec \(own) hold \(program) "$1" "$2"
    read -r _ <\(never)

    """.write(toFile: program, atomically: true, encoding: .utf8)
    try """
    #!/bin/sh
    read -r up _ </proc/uptime
    echo "$up $1 $2 $3 $$" >>\(startsFile.path)

    """.write(toFile: note, atomically: true, encoding: .utf8)
    try Data().write(to: startsFile)
  }

  var units: [TestedUnit] {
    var units = (1...4).map { TestedUnit(name: "plain@\($0).service", kind: .process, text: service()) }
    units += (1...3).map {
      TestedUnit(
        name: "one@\($0).service",
        kind: .process,
        isExclusive: true,
        text: service(fleet: "Conflicts=one@*.service")
      )
    }
    for number in 1...2 {
      units.append(TestedUnit(name: "pair@\(number).service", kind: .process, text: service()))
      let pair = "pair@\(number).service"
      units.append(
        TestedUnit(
          name: "side@\(number).service",
          kind: .process,
          companion: pair,
          text: service(unit: "BindsTo=\(pair)\nAfter=\(pair)", fleet: "MachineOf=\(pair)")
        )
      )
    }
    units.append(TestedUnit(name: "everywhere.service", kind: .global, text: service(fleet: "Global=true")))
    units.append(
      TestedUnit(name: "ready.service", kind: .process, text: service(type: "notify", argument: " notify"))
    )
    let once = """
      [Service]
      Type=oneshot
      RemainAfterExit=yes
      ExecStart=/bin/sh \(note) start %n %m
      ExecStop=/bin/sh \(note) stop %n %m
      """
    units.append(TestedUnit(name: "once.service", kind: .oneshot, text: once))
    return units
  }

  /// The unit that is placed, moved and placed again while engines and agents are killed.
  func probe(onlyWhere metadata: String? = nil) -> TestedUnit {
    TestedUnit(
      name: "probe.service",
      kind: .process,
      text: service(fleet: metadata.map { "MachineMetadata=\($0)" } ?? "")
    )
  }

  private func service(type: String = "simple", argument: String = "", unit: String = "", fleet: String = "") -> String
  {
    """
    [Unit]
    Description=%n of the fault runs
    \(unit)
    [Service]
    Type=\(type)
    ExecStart=/bin/sh \(program) %n %m\(argument)
    Restart=always
    RestartSec=1
    TimeoutStartSec=30
    [X-Fleet]
    \(fleet)
    """
  }
}

extension TestedUnit {
  /// The body of the request that creates and starts it.
  var request: String {
    var section = ""
    var options: [JSONValue] = []
    for line in text.split(separator: "\n") {
      if line.hasPrefix("[") {
        section = String(line.dropFirst().dropLast())
      } else if let equals = line.firstIndex(of: "=") {
        options.append(
          .fields([
            "section": .string(section), "name": .string(String(line[..<equals])),
            "value": .string(String(line[line.index(after: equals)...])),
          ])
        )
      }
    }
    return JSONValue.fields(["desiredState": "launched", "options": .array(options)]).text
  }
}
