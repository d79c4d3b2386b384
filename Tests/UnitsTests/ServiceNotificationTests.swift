// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Units

@Suite struct ServiceNotificationTests {
  @Test func `a message is read line by line and unknown lines mean nothing`() {
    let text = "READY=1\nSTATUS=up = well\nMAINPID=42\nWATCHDOG=1\nWATCHDOG_USEC=5\nEXTEND_TIMEOUT_USEC=6\nX=1\njunk\n"
    let message = ServiceNotification(parsing: text)
    #expect(message.progress == .ready)
    #expect(message.status == "up = well")
    #expect(message.mainProcessID == 42)
    #expect(message.watchdog == .alive)
    #expect(message.watchdogInterval == .microseconds(5))
    #expect(message.timeoutExtension == .microseconds(6))
    #expect(message.writtenAt == nil)
  }

  @Test func `going down counts more than being up, and being up more than reloading`() {
    #expect(ServiceNotification(parsing: "READY=1\nSTOPPING=1").progress == .stopping)
    #expect(ServiceNotification(parsing: "RELOADING=1\nREADY=1").progress == .ready)
    #expect(ServiceNotification(parsing: "RELOADING=1\nREADY=1").hasReloaded)
    #expect(ServiceNotification(parsing: "READY=0").progress == nil)
  }

  @Test(arguments: [
    "MAINPID=1", "MAINPID=-5", "MAINPID=x", "MAINPID=99999999999", "WATCHDOG_USEC=-1", "WATCHDOG=2", "",
  ])
  func `nonsense counts as not there`(text: String) {
    #expect(ServiceNotification(parsing: text) == ServiceNotification(parsing: "NOTHING=1"))
  }

  @Test func `a length of time without end can still be added to any moment`() throws {
    let message = ServiceNotification(parsing: "EXTEND_TIMEOUT_USEC=18446744073709551615")
    #expect(try #require(message.timeoutExtension) + .seconds(1 << 40) > .seconds(1 << 40))
  }
}
