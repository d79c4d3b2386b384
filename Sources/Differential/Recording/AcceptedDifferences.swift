// SPDX-License-Identifier: Apache-2.0

/// Recorded exchanges whose answer is meant to differ, each with its reason; docs/COMPATIBILITY.md tells the same.
///
/// They stand under the recorded line, with the recorded index where the line occurs more than once.
enum AcceptedDifferences {
  /// Keys in sections 1 and 2.
  static let keys: [String: String] = [
    "-si $E/v2/keys?prevValue=x -XDELETE @21": "the root is refused with 107 as by every other write, not with 102",
    "-si $E/v2/keys/t/d1 -XPUT -d dir=true -d prevExist=true @15": updatedDirectory,
    "-si $E/v2/keys/t/d1 @15": updatedDirectory,
    "-si $E/v2/keys/u/rd -XPUT -d refresh=true -d ttl=70 -d prevExist=true -d dir=true @57": updatedDirectory,
    "-si $E/v2/keys/u/t -XPUT -d value=2 -d ttl=18446744073709551615 @37": hugeTTL,
    "-si $E/v2/keys/u/t @37": hugeTTL,
    "-si $E/v2/keys/u/bin -XPUT -d value=%00%01%ff%fe @82": repairedText,
    "-si $E/v2/keys/u/bin @82": repairedText,
  ]

  /// Everything else in section 2.
  static let server: [String: String] = [
    "-si $E/v2/members -XPOST -H Content-Type: application/json -d nope": "the JSON parser's own words",
    "-si $E/version": "coracle serves the v2 API of etcd 2.3 and says so",
    "-si $E/metrics": "families of etcd's v3 store are not served, and the version is 2.3's",
    "-si $E/v2/stats/store": "reads that etcd makes for itself are counted there",
  ]

  /// Paths in section 3.
  static let paths: [String: String] = [
    "PUT /e1795214393/%ff%fe {'data': {'value': 'x'}} @1809": repairedText,
    "GET /e1795214393/%ff%fe  @1809": repairedText,
    "GET /e1795214393/%EF%BF%BD%EF%BF%BD  @1809": repairedText,
  ]

  /// Watches in section 3, which are not replayed where they would wait.
  static let watches: [String: String] = [
    "GET /e1795214393/f?wait=true&quorum=true  @1798": "a watch with quorum is a watch, not a read"
  ]

  private static let updatedDirectory = "an updated directory keeps the modifiedIndex that its update reported"
  private static let hugeTTL = "a ttl beyond the range of time means permanent, not the past"
  private static let repairedText = "invalid UTF-8 is repaired on arrival, so U+FFFD is stored and written as itself"
}
