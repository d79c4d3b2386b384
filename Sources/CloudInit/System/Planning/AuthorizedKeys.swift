// SPDX-License-Identifier: Apache-2.0

/// The text of an `authorized_keys` file with a part that is the cloud-config's.
///
/// Everything outside the part is the user's own and stays; the part is made anew each time, so a key that has left the
/// cloud-config is gone with the next boot. coreos-cloudinit kept sets of keys in `authorized_keys.d`, with a program of
/// its own (`update-ssh-keys`) that joined them; one file needs none.
struct AuthorizedKeys {
  private static let first = "# cloud-config keys: written by coracle, changes are lost"
  private static let last = "# end of cloud-config keys"

  let text: String
  /// How many different keys there are.
  let count: Int

  init(existing: String, keys: [String]) {
    var own = existing.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
    if own.last?.isEmpty == true { own.removeLast() }
    if let start = own.firstIndex(of: Self.first) {
      // Somebody removed its end: then only the beginning is surely ours.
      let end = own[start...].firstIndex(of: Self.last) ?? start
      own.removeSubrange(start...end)
    }
    var seen: Set<String> = []
    let lines = keys.map(Self.trimmed).filter { !$0.isEmpty && seen.insert($0).inserted }
    count = lines.count
    text = (own + [Self.first] + lines + [Self.last]).map { $0 + "\n" }.joined()
  }

  static func trimmed(_ key: String) -> String {
    var key = key[...]
    while key.first?.isWhitespace == true { key.removeFirst() }
    while key.last?.isWhitespace == true { key.removeLast() }
    return String(key)
  }
}
