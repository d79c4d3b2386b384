// SPDX-License-Identifier: Apache-2.0
import Glibc
import NIOCore
import NIOPosix

/// How both ends of a stream treat their sockets: no delay for small frames, and a dead peer is noticed in seconds.
enum SocketOptions {
  static let values: [(NIOBSDSocket.OptionLevel, NIOBSDSocket.Option, ChannelOptions.Types.SocketOption.Value)] = [
    (.tcp, .tcp_nodelay, 1),
    (.socket, .so_keepalive, 1),
    (.tcp, NIOBSDSocket.Option(rawValue: TCP_KEEPIDLE), 5),
    (.tcp, NIOBSDSocket.Option(rawValue: TCP_KEEPINTVL), 2),
    (.tcp, NIOBSDSocket.Option(rawValue: TCP_KEEPCNT), 3),
    // Milliseconds that sent bytes may stay unacknowledged.
    (.tcp, NIOBSDSocket.Option(rawValue: TCP_USER_TIMEOUT), 10_000),
  ]

  /// Sets them on a channel.
  static func apply(to channel: any Channel) -> EventLoopFuture<Void> {
    let settings = values.map { level, option, value in
      channel.setOption(ChannelOptions.Types.SocketOption(level: level, name: option), value: value)
    }
    return EventLoopFuture.andAllComplete(settings, on: channel.eventLoop)
  }
}
