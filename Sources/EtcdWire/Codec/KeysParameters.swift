// SPDX-License-Identifier: Apache-2.0
import EtcdStore

/// The parameters of one request to `/v2/keys`, checked in the order of specs §2.
struct KeysParameters {
  let value: String
  let ttl: TTLChange
  let isDirectory: Bool
  let recursive: Bool
  let sorted: Bool
  let quorum: Bool
  let wait: Bool
  let waitIndex: EtcdIndex?
  let stream: Bool
  let noValueOnSuccess: Bool
  let patience: Duration
  private let comparison: Comparison?
  private let previousExists: Bool?
  private let refresh: Bool

  init(_ method: KeysMethod, _ form: FormValues) throws(EtcdError) {
    let previousIndex = try Self.index("prevIndex", form)
    waitIndex = try Self.index("waitIndex", form)
    recursive = try Self.bool("recursive", form) ?? false
    sorted = try Self.bool("sorted", form) ?? false
    wait = try Self.bool("wait", form) ?? false
    isDirectory = try Self.bool("dir", form) ?? false
    quorum = try Self.bool("quorum", form) ?? false
    stream = try Self.bool("stream", form) ?? false
    if wait && method != .get {
      throw EtcdError(.invalidField, cause: "\"wait\" can only be used with GET requests")
    }
    let previousValue = form["prevValue"]
    if previousValue?.isEmpty == true {
      throw EtcdError(.previousValueRequired, cause: "\"prevValue\" cannot be empty")
    }
    noValueOnSuccess = try Self.bool("noValueOnSuccess", form) ?? false
    ttl = try Self.ttl(form)
    previousExists = try Self.bool("prevExist", quoted: false, form)
    refresh = try Self.bool("refresh", quoted: false, form) ?? false
    patience = KeysPatience.duration(form[KeysPatience.name])
    value = form["value"] ?? ""
    if refresh {
      guard value.isEmpty else { throw EtcdError(.refreshValue, cause: "A value was provided on a refresh") }
      guard ttl != .permanent else { throw EtcdError(.refreshTTLRequired, cause: "No TTL value set") }
    }
    let isCompared = previousValue != nil || previousIndex != nil
    comparison = isCompared ? Comparison(previousValue: previousValue, previousIndex: previousIndex) : nil
  }

  /// The write of a PUT.
  var put: KeysWrite {
    switch (previousExists, comparison) {
    case (false?, _):
      .create(value: value, isDirectory: isDirectory, ttl: ttl)
    case (_, let comparison?):
      .compareAndSwap(value: value, comparison: comparison, ttl: ttl, refresh: refresh)
    case (true?, nil):
      .update(value: refresh ? nil : value, ttl: ttl, refresh: refresh)
    case (nil, nil):
      .set(value: value, isDirectory: isDirectory, ttl: ttl, refresh: refresh)
    }
  }

  /// The write of a DELETE.
  var delete: KeysWrite {
    if let comparison { return .compareAndDelete(comparison: comparison) }
    return .delete(isDirectory: isDirectory, recursive: recursive)
  }

  private static func ttl(_ form: FormValues) throws(EtcdError) -> TTLChange {
    guard let text = form["ttl"], !text.isEmpty else { return .permanent }
    guard let seconds = number(text) else {
      throw EtcdError(.ttlNotANumber, cause: "invalid value for \"ttl\"")
    }
    return .seconds(seconds)
  }

  /// An index; 0 means absent.
  private static func index(_ name: String, _ form: FormValues) throws(EtcdError) -> EtcdIndex? {
    guard let text = form[name] else { return nil }
    guard let number = number(text) else {
      throw EtcdError(.indexNotANumber, cause: "invalid value for \"\(name)\"")
    }
    return number == 0 ? nil : EtcdIndex(number)
  }

  private static func bool(_ name: String, quoted: Bool = true, _ form: FormValues) throws(EtcdError) -> Bool? {
    switch form[name] {
    case nil: return nil
    case "1", "t", "T", "true", "TRUE", "True": return true
    case "0", "f", "F", "false", "FALSE", "False": return false
    case _?:
      throw EtcdError(.invalidField, cause: quoted ? "invalid value for \"\(name)\"" : "invalid value for \(name)")
    }
  }

  /// Plain decimal digits up to 2^64-1.
  private static func number(_ text: String) -> UInt64? {
    guard text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else { return nil }
    return UInt64(text)
  }
}
