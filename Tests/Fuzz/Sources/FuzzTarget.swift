// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import FuzzDriver
import Glibc
import Logging
import NIOCore
import NIOEmbedded
import StoreTestKit

@testable import APIServer
@testable import EtcdWire

/// What one run of the fuzzer feeds; `CORACLE_FUZZ_TARGET` names it.
enum FuzzTarget: String {
  case target
  case form
  case keys
  case json
  case connection
  case frames
  case message
  case command
  case snapshot

  static let chosen = getenv("CORACLE_FUZZ_TARGET").flatMap { FuzzTarget(rawValue: String(cString: $0)) } ?? .connection

  func feed(_ bytes: [UInt8]) {
    switch self {
    case .target: feedTarget(bytes)
    case .form:
      let parts = bytes.split(separator: 10, maxSplits: 2, omittingEmptySubsequences: false)
      let texts = parts.map { String(decoding: $0, as: UTF8.self) }
      _ = try? FormValues(contentType: texts[0], body: Array(parts.last ?? []), query: texts.count > 1 ? texts[1] : "")
    case .keys: feedKeys(bytes)
    case .json:
      guard let value = try? JSONValue.parse(bytes) else { return }
      precondition((try? JSONValue.parse(value.serialized())) == value, "JSON is read as it was written")
    case .connection: feedConnection(bytes)
    case .frames: PeerFuzz.feedFrames(bytes)
    case .message: PeerFuzz.feedMessage(bytes)
    case .command: PeerFuzz.feedCommand(bytes)
    case .snapshot: PeerFuzz.feedSnapshot(bytes)
    }
  }

  private func feedTarget(_ bytes: [UInt8]) {
    guard let target = RequestTarget(String(decoding: bytes, as: UTF8.self)) else { return }
    if let redirect = target.redirect {
      precondition(RequestTarget(redirect)?.redirect == nil, "a cleaned target is clean")
    }
    if let key = target.key { precondition(NodeKey.cleaned(key) == key, "a key is clean") }
  }

  private func feedKeys(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let method = KeysMethod.allCases[Int(first) % KeysMethod.allCases.count]
    let parts = bytes.dropFirst().split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
    do throws(EtcdError) {
      _ = try KeysRequestParser.parse(
        method,
        key: "/a",
        query: String(decoding: parts[0], as: UTF8.self),
        contentType: "application/x-www-form-urlencoded",
        body: Array(parts.count > 1 ? parts[1] : [])
      )
    } catch {
      precondition((200..<300).contains(error.code.rawValue), "an error of a request")
    }
  }

  /// One connection, which the client closes at the end; pieces end where a byte 0 stands.
  private func feedConnection(_ bytes: [UInt8]) {
    let channel = EmbeddedChannel()
    let ports = APIPorts()
    ports.setStore(.member(MemoryKeys(), MemoryCluster()))
    var limits = HTTPLimits()
    limits.bodyBytes = 4_000
    limits.headerBytes = 4_000
    let route = APIRouter(ports: ports, surface: .everything)
    try? HTTPAPIServer.configure(channel, route: route, limits: limits, logger: Logger(label: "fuzz"))
    if let address = try? SocketAddress(ipAddress: "127.0.0.1", port: 1) { channel.connect(to: address, promise: nil) }
    for piece in bytes.split(separator: 0) where channel.isActive {
      _ = try? channel.writeInbound(ByteBuffer(bytes: piece))
      channel.embeddedEventLoop.run()
    }
    channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    channel.embeddedEventLoop.advanceTime(by: .seconds(2))
    while let written = try? channel.readOutbound(as: ByteBuffer.self) { _ = written }
    _ = try? channel.finish(acceptAlreadyClosed: true)
  }
}

/// The entry that libFuzzer calls for each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  FuzzTarget.chosen.feed(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}

/// The main of this program.
@_cdecl("coracle_fuzz_main")
public func fuzzMain(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
  LibFuzzer.run(count, arguments) { fuzzOneInput($0, $1) }
}
