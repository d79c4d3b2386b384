// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc

/// What a `Type=notify` unit of the runs executes: says that it is ready, then does nothing for ever.
struct HoldCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "hold", shouldDisplay: false)

  @Argument(help: "Words by which the process is found.")
  var words: [String] = []

  func run() throws {
    guard let path = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }) else {
      throw ValidationError("hold is for units of Type=notify, which have NOTIFY_SOCKET")
    }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw ValidationError("NOTIFY_SOCKET is too long: \(path)")
    }
    if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count + (bytes.first == 0 ? 0 : 1))
    let word = Array("READY=1".utf8)
    let sent = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, word, word.count, 0, $0, length)
      }
    }
    guard sent == word.count else {
      throw ValidationError("cannot write to \(path): \(String(cString: strerror(errno)))")
    }
    while true { pause() }
  }
}
