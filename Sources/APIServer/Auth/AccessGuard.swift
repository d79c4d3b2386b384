// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire

/// Lets requests through to the store, or not, when users count.
///
/// Whoever may open the control socket of a member owns its machine, and with it the member's whole data: a request
/// that comes this way and names no user may do everything. One that names a user is held to what that user may do.
///
/// Source: etcd v3.4.23 `etcdserver/api/v2http/client_auth.go`; specs/etcd-v2.md §13.
struct AccessGuard {
  /// Users and roles; nil where there are none.
  let auth: (any AuthAPI)?
  /// Whether the request came through the control socket.
  let isOwner: Bool

  /// What became of a question.
  enum Answer: Sendable {
    case allowed
    case refused
    /// Too many passwords wait to be looked at.
    case busy
  }

  /// Whether everything is allowed to everybody, so that nobody needs to be asked.
  var isOpen: Bool { auth.map { !$0.isAuthEnabled } ?? true }

  /// Whether a request may do something with a key.
  func ask(_ request: HTTPRequest, for access: AuthAccess, _ answer: @escaping @Sendable (Answer) -> Void) {
    guard let auth, auth.isAuthEnabled else { return answer(.allowed) }
    ask(request, { $0.allows($1, access) }, guest: { $0.allowsGuest(access) }, answer)
  }

  /// Whether a request may change the cluster, users and roles.
  func askForRoot(_ request: HTTPRequest, _ answer: @escaping @Sendable (Answer) -> Void) {
    ask(request, { $0.isRoot($1) }, guest: { _ in false }, answer)
  }

  private func ask(
    _ request: HTTPRequest,
    _ allows: @escaping @Sendable (AuthState, AuthUser) -> Bool,
    guest: (AuthState) -> Bool,
    _ answer: @escaping @Sendable (Answer) -> Void
  ) {
    guard let auth, auth.isAuthEnabled else { return answer(.allowed) }
    switch BasicAuthorization(request.headers) {
    case .none: answer(isOwner || guest(auth.authState) ? .allowed : .refused)
    case .malformed: answer(.refused)
    case .credentials(let credentials):
      auth.verify(credentials) { verdict in
        switch verdict {
        case .user(let user): answer(allows(auth.authState, user) ? .allowed : .refused)
        case .unknown: answer(.refused)
        case .busy: answer(.busy)
        }
      }
    }
  }
}
