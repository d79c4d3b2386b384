// SPDX-License-Identifier: Apache-2.0
import EtcdStore

/// The causes of error 300, in etcd's words (specs §7).
enum ServerErrors {
  static let timedOut = "etcdserver: request timed out"
  static let leaderFailed = "etcdserver: request timed out, possibly due to previous leader failure"
  static let stopped = "etcdserver: server stopped"
  static let tooManyRequests = "etcdserver: too many requests"
  static let tooManyPasswords = "etcdserver: too many passwords wait to be hashed"
  static let tooManyWatchers = "etcdserver: too many watchers"
  static let tooLarge = "etcdserver: request is too large"
  static let storageFailed = "etcdserver: this member's storage fails"
}
