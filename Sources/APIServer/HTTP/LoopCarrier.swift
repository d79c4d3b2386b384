// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import NIOCore

/// Brings answers to the event loop of a connection, all of one turn of the store in one go.
final class LoopCarrier: AnswerCarrier {
  private let eventLoop: any EventLoop

  init(_ eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  var destination: ObjectIdentifier { ObjectIdentifier(eventLoop) }

  func carry(_ calls: [@Sendable () -> Void]) {
    eventLoop.execute {
      for call in calls { call() }
    }
  }
}
