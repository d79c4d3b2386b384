// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The time until some member acknowledges a write: from the leader's end to the end of the interruption.
struct FirstWrite {
  let addresses: [ServerAddress]
  /// Between two requests to the same member.
  private static let pauseMicroseconds = 25_000

  /// Ends a process, then asks the members in turn; milliseconds until the first write that one acknowledged.
  func milliseconds(killing process: Int32?) -> Double {
    let begun = microseconds()
    if let process { kill(process, SIGKILL) }
    var poller = Poller()
    var readers: [ResponseReader] = []
    var sockets: [CInt] = []
    var asked = 0
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while microseconds() - begun < 60_000_000 {
      // A member may keep a request that came too early for seconds, so that new ones show when it serves again.
      if microseconds() - begun >= asked * Self.pauseMicroseconds {
        asked += 1
        for address in addresses { ask(address, &poller, &sockets, &readers) }
      }
      for number in poller.wait(milliseconds: 5) {
        let count = recv(sockets[number], &buffer, buffer.count, 0)
        let isDone =
          count > 0
          && buffer.withUnsafeBytes { readers[number].take(UnsafeRawBufferPointer(rebasing: $0[..<count])) } > 0
        if isDone, (200..<300).contains(readers[number].status) { return Double(microseconds() - begun) / 1_000 }
        if isDone || count == 0 { close(sockets[number]) }
      }
    }
    fail("no write was acknowledged within a minute")
  }

  private func ask(
    _ address: ServerAddress,
    _ poller: inout Poller,
    _ sockets: inout [CInt],
    _ readers: inout [ResponseReader]
  ) {
    guard let socket = address.connect() else { fail("a member that should live does not listen") }
    var workload = Workload(operation: .put, keys: 1, valueBytes: 16)
    sendAll(workload.next(connection: 0), to: socket)
    poller.add(socket, number: sockets.count)
    sockets.append(socket)
    readers.append(ResponseReader())
  }
}
