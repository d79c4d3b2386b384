// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The time until some member acknowledges a write: from the leader's end to the end of the interruption.
struct FirstWrite {
  let addresses: [ServerAddress]

  /// Ends a process, then asks the members in turn; milliseconds until the first write that one acknowledged.
  func milliseconds(killing process: Int32?) -> Double {
    let begun = microseconds()
    if let process { kill(process, SIGKILL) }
    var poller = Poller()
    var readers: [ResponseReader] = []
    var sockets: [CInt] = []
    // One request stands at each member; one that is refused is asked again at once.
    for address in addresses { ask(address, &poller, &sockets, &readers) }
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while microseconds() - begun < 60_000_000 {
      for number in poller.wait(milliseconds: 100) {
        let count = recv(sockets[number], &buffer, buffer.count, 0)
        let isDone =
          count > 0
          && buffer.withUnsafeBytes { readers[number].take(UnsafeRawBufferPointer(rebasing: $0[..<count])) } > 0
        if isDone, (200..<300).contains(readers[number].status) { return Double(microseconds() - begun) / 1_000 }
        if isDone || count == 0 {
          close(sockets[number])
          poll(nil, 0, 2)
          ask(addresses[number % addresses.count], &poller, &sockets, &readers)
        }
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
