// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The addresses of host names, as the system resolves them.
public enum HostAddresses {
  /// All addresses of a host, in their numeric form; none when it is not known.
  public static func of(_ host: String) async -> Set<String> {
    (try? await OwnThread.run { resolve(host) }) ?? []
  }

  private static func resolve(_ host: String) -> Set<String> {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var first: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, nil, &hints, &first) == 0 else { return [] }
    defer { freeaddrinfo(first) }
    var addresses: Set<String> = []
    var next = first
    while let entry = next?.pointee {
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      let status = getnameinfo(
        entry.ai_addr,
        entry.ai_addrlen,
        &text,
        socklen_t(text.count),
        nil,
        0,
        NI_NUMERICHOST
      )
      if status == 0 {
        addresses.insert(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
      }
      next = entry.ai_next
    }
    return addresses
  }
}
