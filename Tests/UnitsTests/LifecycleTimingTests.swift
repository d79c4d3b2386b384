// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

@Suite struct LifecycleTimingTests {
  // MARK: Timeouts

  /// What each state becomes when it lasts too long.
  @Test(arguments: [
    (
      "TimeoutStartFailureMode=terminate",
      ["TERM to group; = stop-sigterm (timeout)", "KILL to group; = stop-sigkill (timeout)"]
    ),
    (
      "TimeoutStartFailureMode=abort",
      ["ABRT to group; = stop-watchdog (timeout)", "KILL to group; = stop-sigkill (timeout)"]
    ),
    (
      "TimeoutStartFailureMode=kill",
      ["KILL to group; = stop-sigkill (timeout)", "TERM to group; = final-sigterm (timeout)"]
    ),
    (
      "TimeoutStartFailureMode=kill\nSendSIGKILL=no",
      ["TERM to group; = final-sigterm (timeout)", "= failed (timeout)"]
    ),
  ])
  func `a start that takes too long is ended as its failure mode says`(mode: String, expected: [String]) throws {
    for first in ["ExecCondition=/bin/c", "ExecStartPre=/bin/p", "Type=exec", "ExecStartPost=/bin/q"] {
      var service = try Script("\(mode)\n\(first)\nExecStart=/bin/m")
      _ = service.start()
      #expect([service.timer(), service.timer()] == expected, "\(first)")
    }
  }

  @Test(arguments: [
    ("terminate", ["TERM to group; = stop-sigterm (timeout)", "KILL to group; = stop-sigkill (timeout)"]),
    ("abort", ["ABRT to group; = stop-watchdog (timeout)", "KILL to group; = stop-sigkill (timeout)"]),
    ("kill", ["KILL to group; = stop-sigkill (timeout)", "control ExecStopPost[0]; = stop-post (timeout)"]),
  ])
  func `a stop that takes too long is ended as its failure mode says`(mode: String, expected: [String]) throws {
    var service = try Script("TimeoutStopFailureMode=\(mode)\nExecStart=/bin/m\nExecStop=/bin/s\nExecStopPost=/bin/e")
    _ = service.start()
    #expect(service.stop() == "control ExecStop[0]; = stop")
    #expect([service.timer(), service.timer()] == expected)
  }

  @Test func `what is left after ExecStopPost is ended the same way`() throws {
    var service = try Script("TimeoutStopFailureMode=abort\nTimeoutAbortSec=3\nExecStart=/bin/m\nExecStopPost=/bin/e")
    _ = service.start()
    #expect(service.stop() == "TERM to group; = stop-sigterm")
    #expect(service.timer() == "ABRT to group; = stop-watchdog (timeout)")
    #expect(service.machine.deadline == .seconds(93))
    #expect(service.main(killed) == "control ExecStopPost[0]; = stop-post (timeout)")
    #expect(service.timer() == "ABRT to group; = final-watchdog (timeout)")
    #expect(service.timer() == "KILL to group; = final-sigkill (timeout)")
    #expect(service.timer() == "= failed (timeout)")
  }

  @Test func `a process that outlives even SIGKILL holds ExecStopPost up no longer than the timeout`() throws {
    var service = try Script("ExecStart=/bin/m\nExecStopPost=/bin/e")
    _ = service.start()
    _ = service.stop()
    _ = service.timer()
    #expect(service.timer() == "control ExecStopPost[0]; = stop-post (timeout)")
    #expect(service.control(ok) == "= stop-post (timeout)")
    #expect(service.main(killed) == "TERM to group; = final-sigterm (timeout)")
  }

  @Test func `RuntimeMaxSec= ends a service that has been up for long enough, reloads or not`() throws {
    var service = try Script(
      "RuntimeMaxSec=1min\nRestart=on-failure\nExecStart=/bin/m\nExecReload=/bin/r\nKillMode=none"
    )
    _ = service.start()
    #expect(service.machine.deadline == .seconds(60))
    service.now = .seconds(30)
    _ = service.reload()
    _ = service.control(ok)
    #expect(service.machine.deadline == .seconds(60))
    #expect(service.timer() == "= auto-restart (timeout)")
    var endless = try Script("RuntimeMaxSec=infinity\nExecStart=/bin/m")
    _ = endless.start()
    #expect(endless.machine.deadline == nil)
  }

  // MARK: Watchdog

  @Test func `a service that does not say in time that it is alive is aborted`() throws {
    var service = try Script("WatchdogSec=10\nRestart=on-watchdog\nTimeoutAbortSec=5\nExecStart=/bin/m")
    _ = service.start()
    #expect(service.machine.watchdogInterval == .seconds(10))
    #expect(service.machine.deadline == .seconds(10))
    service.now = .seconds(9)
    #expect(service.says("WATCHDOG=1") == "= running")
    #expect(service.machine.deadline == .seconds(19))
    #expect(service.timer() == "ABRT to group; = stop-watchdog (watchdog)")
    #expect(service.machine.deadline == .seconds(24))
    #expect(service.main(.signaled(.abort, dumpedCore: true)) == "TERM to group; = final-sigterm (watchdog)")
    #expect(service.emptied() == "= auto-restart (watchdog)")
    #expect(service.timer() == "main ExecStart[0]; = running")
  }

  @Test func `a service can ask for the watchdog's end, for another interval and for none`() throws {
    var service = try Script("WatchdogSec=10\nWatchdogSignal=SIGQUIT\nExecStart=/bin/m")
    _ = service.start()
    _ = service.says("WATCHDOG_USEC=2000000")
    #expect(service.machine.deadline == .seconds(2))
    _ = service.says("WATCHDOG_USEC=0")
    #expect(service.machine.deadline == nil)
    #expect(service.says("WATCHDOG=trigger") == "QUIT to group; = stop-watchdog (watchdog)")
    var starting = try Script("Type=notify\nWatchdogSec=10\nExecStart=/bin/m")
    _ = starting.start()
    #expect(starting.machine.deadline == .seconds(90))
    #expect(starting.says("WATCHDOG=1") == "= start")
    #expect(starting.machine.deadline == .seconds(90))
    #expect(starting.says("READY=1") == "= running")
    #expect(starting.machine.deadline == .seconds(10))
  }

  // MARK: Reloads

  @Test func `ExecReload runs while the service stays up, and its failure is no failure of the service`() throws {
    var service = try Script("ExecStart=/bin/m\nExecReload=/bin/a\nExecReload=/bin/b")
    _ = service.start()
    #expect(service.reload() == "control ExecReload[0]; = reload")
    #expect(service.machine.activity.active == .reloading)
    #expect(service.reload() == "= reload")
    #expect(service.control(ok) == "control ExecReload[1]; = reload")
    #expect(service.control(failure) == "= running")
    #expect(service.machine.snapshot.reloadResult == .exitCode)
    _ = service.reload()
    #expect(service.timer() == "drop control; = running")
    #expect(service.machine.snapshot.reloadResult == .timeout)
    _ = service.reload()
    #expect(service.main(failure) == "= reload (exit-code)")
    #expect(service.control(failure) == "TERM to group; = stop-sigterm (exit-code)")
    var fixed = try Script("ExecStart=/bin/m")
    _ = fixed.start()
    #expect(fixed.reload() == "= running")
    #expect(!fixed.machine.canReload)
  }

  @Test func `a service that is stopped during a reload goes straight to signals`() throws {
    var service = try Script("ExecStart=/bin/m\nExecReload=/bin/a\nExecStop=/bin/s")
    _ = service.start()
    _ = service.reload()
    #expect(service.stop() == "TERM to group; = stop-sigterm")
  }

  @Test func `a service may say that it reloads and when it is done`() throws {
    var service = try Script("Type=notify\nExecStart=/bin/m")
    _ = service.start()
    _ = service.says("READY=1")
    #expect(service.says("RELOADING=1") == "= reload-notify")
    #expect(service.says("READY=1") == "= running")
    _ = service.says("RELOADING=1")
    #expect(service.timer() == "= running")
    _ = service.says("RELOADING=1")
    #expect(service.main(ok) == "TERM to group; = stop-sigterm")
  }

  @Test func `notify-reload reloads by signal and is done when a reload begun after that is done`() throws {
    var service = try Script("Type=notify-reload\nReloadSignal=SIGUSR1\nExecStart=/bin/m")
    _ = service.start()
    _ = service.says("READY=1")
    service.now = .seconds(10)
    #expect(service.reload() == "USR1 to main; = reload-signal")
    #expect(service.machine.deadline == .seconds(100))
    #expect(service.reminders() == ["USR1 to main"])
    #expect(service.says("RELOADING=1 MONOTONIC_USEC=9000000") == "= reload-signal")
    #expect(service.says("READY=1") == "= reload-signal")
    #expect(service.says("RELOADING=1 MONOTONIC_USEC=10000000") == "= reload-notify")
    #expect(service.machine.deadline == .seconds(100))
    #expect(service.says("READY=1") == "= running")
    _ = service.reload()
    #expect(service.says("RELOADING=1 READY=1 MONOTONIC_USEC=11000000") == "= running")
    var both = try Script("Type=notify-reload\nExecStart=/bin/m\nExecReload=/bin/r")
    _ = both.start()
    _ = both.says("READY=1")
    #expect(both.reload() == "HUP to main; control ExecReload[0]; = reload")
    _ = both.says("RELOADING=1")
    #expect(both.control(ok) == "= reload-notify")
    #expect(both.says("READY=1") == "= running")
  }

  // MARK: Restart by request, signals

  @Test func `a restart by request stops with its own signal and starts again`() throws {
    var service = try Script("RestartKillSignal=SIGINT\nFinalKillSignal=SIGQUIT\nExecStart=/bin/m")
    #expect(service.restart() == "main ExecStart[0]; = running")
    #expect(service.restart() == "INT to group; = stop-sigterm")
    #expect(service.timer() == "QUIT to group; = stop-sigkill (timeout)")
    _ = service.main(killed)
    #expect(service.emptied() == "main ExecStart[0]; = running")
    #expect(service.stop() == "TERM to group; = stop-sigterm")
  }

  @Test func `a stop by request calls the start after it off`() throws {
    var service = try Script("ExecStart=/bin/m")
    _ = service.start()
    _ = service.restart()
    #expect(service.stop() == "= stop-sigterm")
    _ = service.main(terminated)
    #expect(service.emptied() == "= dead")
  }

  /// What was sent may have been lost with those who were to send it.
  @Test func `signals of every state that waits for an end are sent again after a takeover`() throws {
    var service = try Script("KillMode=mixed\nSendSIGHUP=yes\nTimeoutStopFailureMode=abort\nExecStart=/bin/m")
    _ = service.start()
    #expect(service.reminders().isEmpty)
    _ = service.stop()
    #expect(service.reminders() == ["TERM to processes", "HUP to processes"])
    _ = service.timer()
    #expect(service.reminders() == ["ABRT to processes"])
    _ = service.timer()
    #expect(service.reminders() == ["KILL to group"])
    _ = service.main(killed)
    #expect(service.machine.activity.sub == .finalSigkill)
    #expect(service.reminders() == ["KILL to group"])
  }
}
