// SPDX-License-Identifier: Apache-2.0

/// The error numbers of etcd v2 that this server sends.
///
/// Source: etcd v2.3.8 `error/error.go`; specs §7.
public enum EtcdErrorCode: Int, Sendable, CaseIterable {
  case keyNotFound = 100
  case testFailed = 101
  case notFile = 102
  case notDirectory = 104
  case nodeExists = 105
  case rootReadOnly = 107
  case directoryNotEmpty = 108
  case unauthorized = 110
  case previousValueRequired = 201
  case ttlNotANumber = 202
  case indexNotANumber = 203
  case invalidField = 209
  case invalidForm = 210
  case refreshValue = 211
  case refreshTTLRequired = 212
  case raftInternal = 300
  case leaderElection = 301
  case eventIndexCleared = 401

  /// The `message` of the error body.
  public var message: String {
    switch self {
    case .keyNotFound: "Key not found"
    case .testFailed: "Compare failed"
    case .notFile: "Not a file"
    case .notDirectory: "Not a directory"
    case .nodeExists: "Key already exists"
    case .rootReadOnly: "Root is read only"
    case .directoryNotEmpty: "Directory not empty"
    case .unauthorized: "The request requires user authentication"
    case .previousValueRequired: "PrevValue is Required in POST form"
    case .ttlNotANumber: "The given TTL in POST form is not a number"
    case .indexNotANumber: "The given index in POST form is not a number"
    case .invalidField: "Invalid field"
    case .invalidForm: "Invalid POST form"
    case .refreshValue: "Value provided on refresh"
    case .refreshTTLRequired: "A TTL must be provided on refresh"
    case .raftInternal: "Raft Internal Error"
    case .leaderElection: "During Leader Election"
    case .eventIndexCleared: "The event in requested index is outdated and cleared"
    }
  }

  /// The HTTP status that carries the error.
  public var httpStatus: Int {
    switch self {
    case .keyNotFound: 404
    case .testFailed, .nodeExists: 412
    case .notFile, .directoryNotEmpty: 403
    case .unauthorized: 401
    case .raftInternal, .leaderElection: 500
    case .notDirectory, .rootReadOnly, .previousValueRequired, .ttlNotANumber, .indexNotANumber, .invalidField,
      .invalidForm, .refreshValue, .refreshTTLRequired, .eventIndexCleared:
      400
    }
  }
}

/// An error of the v2 API, exactly as its body carries it.
public struct EtcdError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Which error.
  public var code: EtcdErrorCode
  /// The detail, such as the key; left out of the body when empty.
  public var cause: String
  /// The store's index for store errors, zero for errors of the request itself.
  public var index: EtcdIndex

  /// Makes an error.
  public init(_ code: EtcdErrorCode, cause: String = "", index: EtcdIndex = .zero) {
    self.code = code
    self.cause = cause
    self.index = index
  }

  /// The text etcdctl prints: `100: Key not found (/a) [7]`.
  public var description: String {
    "\(code.rawValue): \(code.message) (\(cause)) [\(index)]"
  }
}
