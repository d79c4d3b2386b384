// SPDX-License-Identifier: Apache-2.0

/// Recorded exchanges whose answer is meant to differ, each with its reason; docs/COMPATIBILITY.md tells the same.
enum AcceptedDifferences {
  /// Reasons by the recorded line, with its index where the line occurs more than once.
  static let reasons: [String: String] = [
    "-si $E/v2/keys?prevValue=x -XDELETE": rootIsReadOnly,
    "-si $E/v2/keys/t/d1 -XPUT -d dir=true -d prevExist=true @15": updatedDirectory,
    "-si $E/v2/keys/t/d1 @15": updatedDirectory,
    "-si $E/v2/keys/u/rd -XPUT -d refresh=true -d ttl=70 -d prevExist=true -d dir=true @57": updatedDirectory,
    "-si $E/v2/keys/u/t -XPUT -d value=2 -d ttl=18446744073709551615 @37": hugeTTL,
    "-si $E/v2/keys/u/t @37": hugeTTL,
    "-si $E/v2/keys/u/bin -XPUT -d value=%00%01%ff%fe @82": repairedText,
    "-si $E/v2/keys/u/bin @82": repairedText,
    "PUT /e1795214393/%ff%fe {'data': {'value': 'x'}} @1809": repairedText,
    "GET /e1795214393/%ff%fe  @1809": repairedText,
    "GET /e1795214393/%EF%BF%BD%EF%BF%BD  @1809": repairedText,
    "GET /e1795214393/f?wait=true&quorum=true  @1798": "a watch with quorum is a watch, not a read",
    "-si $E/v2/members -XPOST -H Content-Type: application/json -d nope": "the JSON parser's own words",
    "-si $E/version": version,
    "-si $E/metrics": "families of etcd's v3 store are not served, and the version is 2.3's",
    "-si $E/v2/stats/store": "reads that etcd makes for itself are counted there",
  ]

  /// Lines whose answer depends on the HTTP parser in use, so that either is right.
  static let parserDependent: [String: String] = [
    "-si $E/v2/keys/u/w -XFOO": "a strict parser refuses methods that it does not know with 400 instead of 405"
  ]

  private static let rootIsReadOnly = "the root is refused with 107 as by every other write, not with 102"
  private static let updatedDirectory = "an updated directory keeps the modifiedIndex that its update reported"
  private static let hugeTTL = "a ttl beyond the range of time means permanent, not the past"
  private static let repairedText = "invalid UTF-8 is repaired on arrival, so U+FFFD is stored and written as itself"
  private static let version = "coracle serves the v2 API of etcd 2.3 and says so"

  /// The reason for an exchange.
  static func reason(_ exchange: RecordedExchange) -> String? {
    reasons["\(exchange.name) @\(exchange.index ?? 0)"] ?? reasons[exchange.name]
  }
}
