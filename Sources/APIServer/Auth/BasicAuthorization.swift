// SPDX-License-Identifier: Apache-2.0
import EtcdWire
import FoundationEssentials

/// Who a request says it comes from.
///
/// Source: Go's `net/http` `Request.BasicAuth`; RFC 7617; specs/etcd-v2.md §13.
enum BasicAuthorization: Equatable {
  /// It does not say.
  case none
  /// A user and a password.
  case credentials(AuthCredentials)
  /// It says something that is not understood, which is refused even where nothing would have been allowed too.
  case malformed

  init(_ headers: RequestHeaders) {
    guard let value = headers.first(name: "authorization"), !value.isEmpty else {
      self = .none
      return
    }
    guard value.utf8.count > 6, value.utf8.prefix(6).elementsEqual("basic ".utf8, by: { $0 | 0x20 == $1 }),
      let data = Data(base64Encoded: String(value.utf8.dropFirst(6)) ?? ""),
      let text = String(validating: data, as: UTF8.self),
      let colon = text.utf8.firstIndex(of: UInt8(ascii: ":"))
    else {
      self = .malformed
      return
    }
    let username = String(text[..<colon])
    let password = String(text[text.utf8.index(after: colon)...])
    // Differs: etcd's handler crashes on an empty name.
    self = username.isEmpty ? .malformed : .credentials(AuthCredentials(username: username, password: password))
  }
}
