// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

@Suite struct LifecycleTypesTests {
  // MARK: forking

  @Test func `a forking service is up once its command has ended and its main process is in the PID file`() throws {
    var service = try Script("Type=forking\nPIDFile=a.pid\nExecStart=/bin/m\nTimeoutStartSec=7")
    #expect(service.machine.definition.pidFile == "/run/a.pid")
    #expect(service.start() == "control ExecStart[0]; = start")
    #expect(service.control(ok) == "find main: wait; = start")
    #expect(service.machine.deadline == .seconds(7))
    #expect(service.reminders() == ["find main: wait"])
    #expect(service.found() == "= running")
    #expect(service.machine.snapshot.main != nil)
    #expect(service.main(failure) == "TERM to group; = stop-sigterm (exit-code)")
    #expect(service.emptied() == "TERM to group; = final-sigterm (exit-code)")
    #expect(service.emptied() == "remove PID file; = failed (exit-code)")
  }

  @Test func `a PID file that never comes is a breach of the protocol, at once or in the end`() throws {
    var gone = try Script("Type=forking\nPIDFile=/a.pid\nExecStart=/bin/m")
    _ = gone.start()
    _ = gone.control(ok)
    #expect(gone.missing(groupIsEmpty: true) == "TERM to group; = stop-sigterm (protocol)")
    var slow = try Script("Type=forking\nPIDFile=/a.pid\nExecStart=/bin/m")
    _ = slow.start()
    _ = slow.control(ok)
    #expect(slow.timer() == "TERM to group; = stop-sigterm (timeout)")
    #expect(slow.found() == "= stop-sigterm (timeout)")
  }

  @Test func `a PID file may be written as late as by ExecStartPost`() throws {
    var service = try Script("Type=forking\nPIDFile=/a.pid\nExecStart=/bin/m\nExecStartPost=/bin/c")
    _ = service.start()
    #expect(service.control(ok) == "find main: look; = start")
    #expect(service.missing() == "control ExecStartPost[0]; = start-post")
    #expect(service.control(ok) == "find main: wait; = start-post")
    #expect(service.found() == "= running")
    var never = try Script("Type=forking\nPIDFile=/a.pid\nExecStart=/bin/m\nExecStartPost=/bin/c\nExecStop=/bin/s")
    _ = never.start()
    _ = never.control(ok)
    _ = never.missing()
    _ = never.control(ok)
    #expect(never.missing(groupIsEmpty: true) == "control ExecStop[0]; = stop (protocol)")
  }

  @Test func `without a PID file the main process is guessed, and what cannot be guessed lives as long as its group`()
    throws
  {
    var one = try Script("Type=forking\nExecStart=/bin/m\nExecStartPost=/bin/c")
    _ = one.start()
    #expect(one.control(ok) == "find main: guess; = start")
    #expect(one.found() == "control ExecStartPost[0]; = start-post")
    #expect(one.control(ok) == "= running")
    #expect(one.main(ok) == "TERM to group; = stop-sigterm")
    var many = try Script("Type=forking\nExecStart=/bin/m")
    _ = many.start()
    _ = many.control(ok)
    #expect(many.missing() == "watch group; = running")
    #expect(many.reminders() == ["watch group"])
    #expect(many.emptied() == "TERM to group; = stop-sigterm")
    var unguessed = try Script("Type=forking\nGuessMainPID=no\nExecStart=/bin/m")
    _ = unguessed.start()
    #expect(unguessed.control(ok) == "watch group; = running")
    var nothing = try Script("Type=forking\nRemainAfterExit=yes\nExecStart=/bin/m")
    _ = nothing.start()
    _ = nothing.control(ok)
    #expect(nothing.missing(groupIsEmpty: true) == "= exited")
  }

  @Test func `a forking command that fails, or takes too long, fails the service`() throws {
    var failing = try Script("Type=forking\nExecStart=/bin/m")
    _ = failing.start()
    #expect(failing.control(failure) == "TERM to group; = stop-sigterm (exit-code)")
    var hanging = try Script("Type=forking\nExecStart=/bin/m")
    _ = hanging.start()
    #expect(hanging.timer() == "TERM to group; = stop-sigterm (timeout)")
  }

  // MARK: notify

  @Test func `a notify service is up when it says so and not before`() throws {
    var service = try Script("Type=notify\nExecStart=/bin/m\nExecStartPost=/bin/c")
    #expect(service.start() == "main ExecStart[0]; = start")
    #expect(service.machine.deadline == .seconds(90))
    #expect(service.executed() == "= start")
    #expect(service.says("STATUS=loading") == "= start")
    #expect(service.machine.snapshot.statusText == "loading")
    #expect(service.says("READY=1") == "control ExecStartPost[0]; = start-post")
    #expect(service.control(ok) == "= running")
    #expect(service.says("STOPPING=1 STATUS=") == "= stop-sigterm")
    #expect(service.machine.snapshot.statusText == nil)
    #expect(service.reminders().isEmpty)
    #expect(service.main(ok) == "TERM to group; = final-sigterm")
  }

  @Test func `a notify service that ends without having said anything has failed`() throws {
    var silent = try Script("Type=notify\nExecStart=/bin/m")
    _ = silent.start()
    #expect(silent.main(ok) == "TERM to group; = stop-sigterm (protocol)")
    var failing = try Script("Type=notify\nExecStart=/bin/m")
    _ = failing.start()
    #expect(failing.main(failure) == "TERM to group; = stop-sigterm (exit-code)")
    var slow = try Script("Type=notify\nExecStart=/bin/m")
    _ = slow.start()
    #expect(slow.timer() == "TERM to group; = stop-sigterm (timeout)")
    var left = try Script("Type=notify\nNotifyAccess=all\nRemainAfterExit=yes\nExecStart=/bin/m")
    _ = left.start()
    #expect(left.main(ok) == "watch group; = start")
    #expect(left.emptied() == "TERM to group; = final-sigterm (protocol)")
  }

  @Test(arguments: [
    ("Type=simple", [false, false, false]),
    ("Type=notify", [true, false, false]),
    ("WatchdogSec=1", [true, false, false]),
    ("Type=notify\nNotifyAccess=none", [true, false, false]),
    ("Type=notify\nNotifyAccess=exec", [true, true, false]),
    ("Type=simple\nNotifyAccess=all", [true, true, true]),
  ])
  func `NotifyAccess= decides who is listened to`(text: String, expected: [Bool]) throws {
    for (sender, isHeard) in zip([NotificationSender.main, .control, .other], expected) {
      var service = try Script("\(text)\nExecStart=/bin/m")
      _ = service.start()
      _ = service.says("STATUS=x", sender)
      #expect((service.machine.snapshot.statusText == "x") == isHeard, "\(text): \(sender)")
    }
  }

  @Test func `MAINPID= names another main process, during a search too`() throws {
    var service = try Script("Type=notify\nExecStart=/bin/m")
    _ = service.start()
    #expect(service.says("MAINPID=5 READY=1", namesMain: true) == "take main; = running")
    #expect(service.main(ok) == "TERM to group; = stop-sigterm")
    #expect(service.says("MAINPID=6", namesMain: true) == "= stop-sigterm")
    var forking = try Script("Type=forking\nPIDFile=/a.pid\nNotifyAccess=all\nExecStart=/bin/m")
    _ = forking.start()
    _ = forking.control(ok)
    #expect(forking.says("MAINPID=5", .other, namesMain: true) == "take main; = running")
    #expect(forking.found() == "= running")
  }

  @Test func `EXTEND_TIMEOUT_USEC= lengthens what goes on and shortens nothing`() throws {
    var service = try Script("Type=notify\nTimeoutStartSec=10\nTimeoutStopSec=10\nExecStart=/bin/m")
    _ = service.start()
    service.now = .seconds(9)
    _ = service.says("EXTEND_TIMEOUT_USEC=5000000")
    #expect(service.machine.deadline == .seconds(14))
    _ = service.says("EXTEND_TIMEOUT_USEC=1000000")
    #expect(service.machine.deadline == .seconds(14))
    _ = service.says("READY=1 EXTEND_TIMEOUT_USEC=5000000")
    #expect(service.machine.deadline == nil)
    _ = service.stop()
    service.now = .seconds(18)
    _ = service.says("EXTEND_TIMEOUT_USEC=20000000")
    #expect(service.machine.deadline == .seconds(38))
  }

  // MARK: The others

  @Test func `an idle service counts as up at once`() throws {
    var service = try Script("Type=idle\nExecStart=/bin/m")
    #expect(service.start() == "main ExecStart[0]; = running")
  }

  @Test func `ExecCondition= passes over a service without failing it`() throws {
    let text = "ExecCondition=/bin/a\nExecCondition=/bin/b\nExecStart=/bin/m\nExecStopPost=/bin/e\nRestart=always"
    var skipped = try Script(text)
    #expect(skipped.start() == "control ExecCondition[0]; = condition")
    #expect(skipped.machine.activity.active == .activating)
    #expect(skipped.control(ok) == "control ExecCondition[1]; = condition")
    #expect(skipped.control(.exited(254)) == "TERM to group; = stop-sigterm (exec-condition)")
    #expect(skipped.emptied() == "control ExecStopPost[0]; = stop-post (exec-condition)")
    _ = skipped.control(ok)
    #expect(skipped.emptied() == "= dead (exec-condition)")
    var failed = try Script("KillMode=none\nExecCondition=/bin/a\nExecStart=/bin/m")
    _ = failed.start()
    #expect(failed.control(.exited(255)) == "= failed (exit-code)")
    _ = failed.start()
    #expect(failed.control(killed) == "= failed (signal)")
    _ = failed.start()
    #expect(failed.control(ok) == "main ExecStart[0]; = running")
  }
}
