// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

@Suite struct LifecycleTests {
  @Test func `a service goes through every stage up and down`() throws {
    var service = try Script(
      """
      ExecStartPre=/bin/a
      ExecStartPre=/bin/b
      ExecStart=/bin/m
      ExecStartPost=/bin/c
      ExecStop=/bin/d
      ExecStopPost=/bin/e
      """
    )
    #expect(service.start() == "control ExecStartPre[0]; = start-pre")
    #expect(service.machine.deadline == .seconds(90))
    #expect(service.control(ok) == "control ExecStartPre[1]; = start-pre")
    #expect(service.control(ok) == "main ExecStart[0]; control ExecStartPost[0]; = start-post")
    #expect(service.control(ok) == "= running")
    #expect(service.machine.deadline == nil)
    #expect(service.stop() == "control ExecStop[0]; = stop")
    #expect(service.control(ok) == "TERM to group; = stop-sigterm")
    #expect(service.main(terminated) == "control ExecStopPost[0]; = stop-post")
    #expect(service.control(ok) == "TERM to group; = final-sigterm")
    #expect(service.emptied() == "= dead")
  }

  @Test func `a failed ExecStartPre keeps the service from starting unless it has a dash`() throws {
    var strict = try Script("ExecStartPre=/bin/a\nExecStart=/bin/m\nExecStopPost=/bin/e")
    _ = strict.start()
    #expect(strict.control(failure) == "TERM to group; = stop-sigterm (exit-code)")
    #expect(strict.emptied() == "control ExecStopPost[0]; = stop-post (exit-code)")
    #expect(strict.control(ok) == "TERM to group; = final-sigterm (exit-code)")
    #expect(strict.emptied() == "= failed (exit-code)")
    var lenient = try Script("ExecStartPre=-/bin/a\nExecStart=/bin/m")
    _ = lenient.start()
    #expect(lenient.control(failure) == "main ExecStart[0]; = running")
  }

  @Test func `a main process that ends well stops the service through ExecStop`() throws {
    var service = try Script("ExecStart=/bin/m\nExecStop=/bin/d")
    #expect(service.start() == "main ExecStart[0]; = running")
    #expect(service.main(ok) == "control ExecStop[0]; = stop")
    #expect(service.control(ok) == "TERM to group; = stop-sigterm")
    #expect(service.emptied() == "TERM to group; = final-sigterm")
    #expect(service.emptied() == "= dead")
  }

  @Test func `a main process that fails is not stopped by ExecStop`() throws {
    var service = try Script("ExecStart=/bin/m\nExecStop=/bin/d")
    _ = service.start()
    #expect(service.main(failure) == "TERM to group; = stop-sigterm (exit-code)")
  }

  @Test func `type exec is up once its program has been executed`() throws {
    var service = try Script("Type=exec\nExecStart=/bin/m")
    #expect(service.start() == "main ExecStart[0]; = start")
    #expect(service.executed() == "= running")
    var missing = try Script("Type=exec\nExecStart=/bin/m\nKillMode=none")
    _ = missing.start()
    #expect(missing.main(.exited(203)) == "= failed (exit-code)")
  }

  @Test func `type oneshot runs its commands one after the other`() throws {
    var service = try Script("Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/a\nExecStart=-/bin/b\nExecStart=/bin/c")
    #expect(service.start() == "main ExecStart[0]; = start")
    #expect(service.machine.deadline == nil)
    #expect(service.main(ok) == "main ExecStart[1]; = start")
    #expect(service.main(failure) == "main ExecStart[2]; = start")
    #expect(service.main(ok) == "= exited")
    #expect(service.stop() == "TERM to group; = stop-sigterm")
  }

  @Test func `a oneshot command that is terminated has failed`() throws {
    var service = try Script("Type=oneshot\nExecStart=/bin/a\nExecStart=/bin/b\nKillMode=none")
    _ = service.start()
    #expect(service.main(terminated) == "= failed (signal)")
  }

  @Test func `starting takes no longer than TimeoutStartSec`() throws {
    var service = try Script("TimeoutStartSec=5\nExecStartPre=/bin/a\nExecStart=/bin/m")
    _ = service.start()
    #expect(service.machine.deadline == .seconds(5))
    #expect(service.timer() == "TERM to group; = stop-sigterm (timeout)")
    #expect(service.timer() == "KILL to group; = stop-sigkill (timeout)")
    #expect(service.control(killed) == "TERM to group; = final-sigterm (timeout)")
    #expect(service.emptied() == "= failed (timeout)")
    var patient = try Script("TimeoutStartSec=0\nExecStartPre=/bin/a\nExecStart=/bin/m")
    _ = patient.start()
    #expect(patient.machine.deadline == nil)
  }

  @Test func `stopping a service that is starting goes straight to signals`() throws {
    var service = try Script("ExecStartPre=/bin/a\nExecStart=/bin/m\nExecStop=/bin/d\nRestart=always")
    _ = service.start()
    #expect(service.stop() == "TERM to group; = stop-sigterm")
    #expect(service.control(terminated) == "TERM to group; = final-sigterm (signal)")
    #expect(service.emptied() == "= failed (signal)")
  }

  @Test func `each kill mode reaches its processes`() throws {
    let expected = [
      "control-group": ["TERM to group; = stop-sigterm", "KILL to group; = stop-sigkill (timeout)"],
      "mixed": ["TERM to processes; = stop-sigterm", "KILL to group; = stop-sigkill (timeout)"],
      "process": ["TERM to processes; = stop-sigterm", "KILL to processes; = stop-sigkill (timeout)"],
    ]
    for (mode, lines) in expected {
      var service = try Script("KillMode=\(mode)\nExecStart=/bin/m")
      _ = service.start()
      #expect([service.stop(), service.timer()] == lines)
    }
    var untouched = try Script("KillMode=none\nExecStart=/bin/m")
    _ = untouched.start()
    #expect(untouched.stop() == "= dead")
  }

  @Test func `after the end the rest of a mixed service is killed and that of a process one left`() throws {
    var mixed = try Script("KillMode=mixed\nExecStart=/bin/m")
    _ = mixed.start()
    _ = mixed.stop()
    #expect(mixed.main(ok) == "KILL to group; = final-sigkill")
    #expect(mixed.emptied() == "= dead")
    var process = try Script("KillMode=process\nExecStart=/bin/m")
    _ = process.start()
    _ = process.stop()
    #expect(process.main(ok) == "= dead")
  }

  @Test func `SendSIGKILL=no leaves what ignores the signal and KillSignal is sent instead of TERM`() throws {
    var service = try Script("SendSIGKILL=no\nSendSIGHUP=yes\nKillSignal=SIGINT\nTimeoutStopSec=1\nExecStart=/bin/m")
    _ = service.start()
    #expect(service.stop() == "INT to group; HUP to group; = stop-sigterm")
    #expect(service.timer() == "INT to group; HUP to group; = final-sigterm (timeout)")
    #expect(service.timer() == "= failed (timeout)")
  }

  /// The table of systemd.service(5), `Restart=`.
  @Test(arguments: [
    ("no", []),
    ("always", [ok, failure, killed, terminated, .signaled(UnixSignal(number: 11), dumpedCore: true)]),
    ("on-success", [ok, terminated]),
    ("on-failure", [failure, killed, .signaled(UnixSignal(number: 11), dumpedCore: true)]),
    ("on-abnormal", [killed, .signaled(UnixSignal(number: 11), dumpedCore: true)]),
    ("on-abort", [killed, .signaled(UnixSignal(number: 11), dumpedCore: true)]),
    ("on-watchdog", []),
  ])
  func `Restart= follows systemd's table`(rule: String, restarting: [ProcessEnd]) throws {
    for end in [ok, failure, killed, terminated, .signaled(UnixSignal(number: 11), dumpedCore: true)] {
      var service = try Script("KillMode=none\nRestart=\(rule)\nExecStart=/bin/m")
      _ = service.start()
      _ = service.main(end)
      #expect((service.machine.activity.sub == .autoRestart) == restarting.contains(end), "\(rule) after \(end)")
    }
  }

  @Test func `a service is started again after RestartSec, and never after a stop by request`() throws {
    var service = try Script("KillMode=none\nRestart=always\nRestartSec=5\nExecStart=/bin/m")
    _ = service.start()
    #expect(service.main(failure) == "= auto-restart (exit-code)")
    #expect(service.machine.deadline == .seconds(5))
    #expect(service.timer() == "main ExecStart[0]; = running")
    #expect(service.machine.snapshot.restarts == 1)
    #expect(service.stop() == "= dead")
    _ = service.start()
    _ = service.main(ok)
    #expect(service.machine.activity.sub == .autoRestart)
    #expect(service.stop() == "= dead")
    #expect(service.machine.deadline == nil)
  }

  @Test func `exit codes can force, prevent and excuse`() throws {
    var forced = try Script("KillMode=none\nRestartForceExitStatus=7\nExecStart=/bin/m")
    _ = forced.start()
    #expect(forced.main(.exited(7)) == "= auto-restart (exit-code)")
    var prevented = try Script("KillMode=none\nRestart=always\nRestartPreventExitStatus=7 KILL\nExecStart=/bin/m")
    _ = prevented.start()
    #expect(prevented.main(killed) == "= failed (signal)")
    var excused = try Script("KillMode=none\nSuccessExitStatus=143\nRestart=on-failure\nExecStart=/bin/m")
    _ = excused.start()
    #expect(excused.main(.exited(143)) == "= dead")
  }

  @Test func `the start limit ends a service that fails again and again`() throws {
    var service = try Script("KillMode=none\nRestart=always\nRestartSec=1\nStartLimitBurst=3\nExecStart=/bin/m")
    _ = service.start()
    for _ in 1...2 {
      _ = service.main(failure)
      #expect(service.timer() == "main ExecStart[0]; = running")
    }
    _ = service.main(failure)
    #expect(service.timer() == "= failed (start-limit-hit)")
    service.now += .seconds(11)
    #expect(service.start() == "main ExecStart[0]; = running")
    var unlimited = try Script("KillMode=none\nRestart=always\nStartLimitInterval=0\nExecStart=/bin/m")
    _ = unlimited.start()
    for _ in 1...20 {
      _ = unlimited.main(failure)
      #expect(unlimited.timer() == "main ExecStart[0]; = running")
    }
  }

  @Test func `a start while stopping happens afterwards`() throws {
    var service = try Script("ExecStart=/bin/m")
    _ = service.start()
    _ = service.stop()
    #expect(service.start() == "= stop-sigterm")
    _ = service.main(terminated)
    #expect(service.emptied() == "main ExecStart[0]; = running")
  }

  @Test func `a command that could not be started is a lack of resources even with a dash`() throws {
    var service = try Script("KillMode=none\nExecStartPre=-/bin/a\nExecStart=/bin/m")
    _ = service.start()
    #expect(service.control(.notStarted("no file")) == "= failed (resources)")
  }

  @Test func `a main process that ends during ExecStartPost is noticed after it`() throws {
    var service = try Script("ExecStart=/bin/m\nExecStartPost=/bin/c")
    #expect(service.start() == "main ExecStart[0]; control ExecStartPost[0]; = start-post")
    #expect(service.main(failure) == "= start-post (exit-code)")
    #expect(service.control(ok) == "TERM to group; = stop-sigterm (exit-code)")
  }

  @Test func `a machine goes on from its snapshot`() throws {
    var service = try Script("Restart=always\nExecStart=/bin/m\nKillMode=none")
    _ = service.start()
    var resumed = try Script(
      "Restart=always\nExecStart=/bin/m\nKillMode=none",
      resuming: service.machine.snapshot
    )
    #expect(resumed.start() == "= running")
    #expect(resumed.main(failure) == "= auto-restart (exit-code)")
  }

  @Test func `an end that nobody saw is a failure unless the service was being stopped`() throws {
    var service = try Script("KillMode=process\nExecStart=/bin/m")
    _ = service.start()
    #expect(service.main(.lost) == "= failed (signal)")
    _ = service.start()
    _ = service.stop()
    #expect(service.main(.lost) == "= dead")
  }

  @Test func `inputs that come late change nothing`() throws {
    var service = try Script("ExecStart=/bin/m")
    #expect(service.main(ok) == "= dead")
    #expect(service.emptied() == "= dead")
    #expect(service.timer() == "= dead")
    #expect(service.stop() == "= dead")
    _ = service.start()
    #expect(service.emptied() == "= running")
    #expect(service.control(failure) == "= running")
  }
}
