// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc

/// The sockets on which units tell about themselves, and what they have told and no node has recorded yet.
///
/// Source: sd_notify(3).
struct NotifySockets {
  /// The longest message, in bytes; a longer one is passed over, as systemd does.
  static let messageLimitBytes = 4096
  /// How many messages of a unit are kept while no node is there; then the oldest go.
  static let pendingLimit = 64
  /// How many messages of a unit are taken before others get their turn.
  static let batchLimit = 256

  /// A message as it arrived.
  struct Message {
    var senderID: Int32
    var text: String
  }

  private struct Socket {
    var path: String
    var descriptor: Int32
  }

  private var sockets: [String: Socket] = [:]
  private var unitsByDescriptor: [Int32: String] = [:]
  private var pending: [String: [HostedNotification]] = [:]
  private var lastNumber: Int64 = 0

  /// Everything not recorded yet, in the order it came.
  var allPending: [HostedNotification] { pending.values.flatMap(\.self).sorted { $0.number < $1.number } }

  /// Whether a unit listens at this path already.
  func isOpen(_ path: String, of unit: String) -> Bool { sockets[unit]?.path == path }

  /// Listens for a unit; nil with errno when that cannot be.
  ///
  /// An earlier socket of the unit must be closed before.
  mutating func open(_ path: String, of unit: String) -> Int32? {
    let descriptor = LocalSocket.receive(at: path)
    guard descriptor >= 0 else { return nil }
    sockets[unit] = Socket(path: path, descriptor: descriptor)
    unitsByDescriptor[descriptor] = unit
    return descriptor
  }

  /// Ends listening for a unit and forgets what it said.
  mutating func close(_ unit: String) {
    pending[unit] = nil
    guard let socket = sockets.removeValue(forKey: unit) else { return }
    unitsByDescriptor[socket.descriptor] = nil
    Glibc.close(socket.descriptor)
    if !socket.path.hasPrefix("@") { _ = unlink(socket.path) }
  }

  /// The units that have a socket.
  var units: [String] { Array(sockets.keys) }

  /// The unit of a descriptor; nil when it is none of these.
  func unit(of descriptor: Int32) -> String? { unitsByDescriptor[descriptor] }

  /// A unit's descriptor.
  func descriptor(of unit: String) -> Int32? { sockets[unit]?.descriptor }

  /// Takes what has arrived from a unit.
  func receive(from unit: String) -> [Message] {
    guard let socket = sockets[unit] else { return [] }
    var messages: [Message] = []
    var buffer = [UInt8](repeating: 0, count: Self.messageLimitBytes)
    while messages.count < Self.batchLimit {
      var sender: pid_t = 0
      let length = buffer.withUnsafeMutableBytes {
        unit_receive_notification(socket.descriptor, $0.baseAddress, $0.count, &sender)
      }
      if length < 0 {
        if errno == EINTR { continue }
        break
      }
      guard length <= buffer.count else { continue }
      messages.append(Message(senderID: sender, text: String(decoding: buffer[..<length], as: UTF8.self)))
    }
    return messages
  }

  /// Keeps a message until a node has recorded it.
  ///
  /// - Returns: The message with its number, and how many earlier ones had to go.
  mutating func keep(_ message: Message, of unit: String, main: HostedProcess?) -> (HostedNotification, dropped: Int) {
    lastNumber = max(lastNumber + 1, epochMicroseconds())
    let notification = HostedNotification(
      unit: unit,
      socket: sockets[unit]?.path ?? "",
      number: lastNumber,
      senderID: message.senderID,
      text: message.text,
      main: main
    )
    var kept = pending[unit] ?? []
    // A service that says again and again that it is alive has said it once.
    if let last = kept.last, last.senderID == message.senderID, last.text == message.text, main == nil {
      kept.removeLast()
    }
    kept.append(notification)
    let dropped = max(0, kept.count - Self.pendingLimit)
    kept.removeFirst(dropped)
    pending[unit] = kept
    return (notification, dropped)
  }

  /// A unit's messages up to this number have been recorded.
  mutating func acknowledge(_ unit: String, upTo number: Int64) {
    pending[unit]?.removeAll { $0.number <= number }
  }
}
