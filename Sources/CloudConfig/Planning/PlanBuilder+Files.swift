// SPDX-License-Identifier: Apache-2.0
import Units

/// `write_files[]`.
///
/// Source: specs/cloud-config.md §3 and §5. Differs: blanks in base64 are passed over, `/usr` may be written to.
extension PlanBuilder {
  mutating func planFiles(_ sections: [Section]) -> [SystemPlan.File] {
    var files: [SystemPlan.File] = []
    var places: [String: SourceMark] = [:]
    var room = UserDataLimits.filesBytes
    for section in sections {
      guard let file = planFile(section, room: &room) else { continue }
      let mark = section["path"]?.mark ?? section.mark
      if let first = places.updateValue(mark, forKey: file.path) {
        log.warning(
          at: mark,
          "\(file.path) stands here again, first on line \(log.line(of: first)); the last one counts"
        )
      }
      files.append(file)
    }
    return files
  }

  private mutating func planFile(_ section: Section, room: inout Int) -> SystemPlan.File? {
    guard let path = section["path"], let text = path.string, !text.isEmpty else {
      log.error(at: section.mark, "a file needs a path")
      return nil
    }
    guard Self.isAbsolutePath(text) else {
      log.error(at: path.mark, "the path \"\(text.prefix(200))\" must be absolute, without \"..\"")
      return nil
    }
    guard text.last != "/" else {
      log.error(at: path.mark, "the path \"\(text.prefix(200))\" is that of a directory; it must name a file")
      return nil
    }
    if text.hasPrefix("/usr/") {
      log.info(at: path.mark, "\(text): on CoreOS nothing below /usr can be written; here it is written like any other")
    }
    var file = SystemPlan.File(path: text, content: [])
    file.owner = planOwner(section["owner"])
    file.permissions = planPermissions(section["permissions"]) ?? file.permissions
    guard let content = section["content"] else { return file }
    guard let bytes = decoded(content, encoding: section["encoding"]?.string, room: room) else { return nil }
    room -= bytes.count
    guard room >= 0 else {
      log.error(at: content.mark, "the files have more than \(UserDataLimits.filesBytes) bytes together")
      return nil
    }
    file.content = bytes
    return file
  }

  private mutating func planOwner(_ setting: Setting?) -> String? {
    guard let setting, let text = setting.string, !text.isEmpty else { return nil }
    let names = text.split(separator: ":", omittingEmptySubsequences: false)
    let areNames = names.allSatisfy { name in
      Self.isAccountName(String(name)) || !name.isEmpty && name.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
    guard names.count <= 2, areNames else {
      log.error(at: setting.mark, "owner must be a user, or user:group, not \"\(text.prefix(60))\"")
      return nil
    }
    return text
  }

  private mutating func planPermissions(_ setting: Setting?) -> UInt32? {
    guard let setting, let text = setting.string, !text.isEmpty else { return nil }
    let digits = text.first == "0" && text.utf8.count > 3 ? text.dropFirst() : text[...]
    guard (3...4).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x37).contains($0) }),
      let bits = UInt32(digits, radix: 8)
    else {
      log.error(at: setting.mark, "permissions must be octal digits, as in 0644, not \"\(text.prefix(60))\"")
      return nil
    }
    // What becomes of 0644 and the like when a program writes YAML anew.
    if let number = UInt32(text), text.first != "0", let meant = Self.usualPermissions.first(where: { $0 == number }) {
      log.warning(
        at: setting.mark,
        "permissions are octal digits always, so \(text) is 0\(text); was 0\(String(meant, radix: 8)) meant?"
      )
    }
    return bits
  }

  private static let usualPermissions: [UInt32] = [0o600, 0o640, 0o644, 0o660, 0o664, 0o700, 0o750, 0o755, 0o775]

  // MARK: Content

  private mutating func decoded(_ content: Setting, encoding: String?, room: Int) -> [UInt8]? {
    var bytes = Array((content.string ?? "").utf8)
    let words = (encoding ?? "").split(separator: "+")
    let isBase64 = words.contains { $0 == "b64" || $0 == "base64" }
    for _ in 0..<(isBase64 ? 1 : 0) + (content.isBinary ? 1 : 0) {
      guard let plain = Base64.decode(bytes) else {
        log.error(at: content.mark, "content cannot be decoded as \"\(encoding ?? "!!binary")\": it is no base64")
        return nil
      }
      bytes = plain
    }
    guard words.contains(where: { $0 == "gz" || $0 == "gzip" }) else { return bytes }
    do {
      return try Gzip.unpack(bytes, limit: min(UserDataLimits.unpackedBytes, room))
    } catch {
      let hint = isBase64 || content.isBinary ? "" : "; text cannot hold it as it is, so give it in base64 (gz+b64)"
      log.error(at: content.mark, "content cannot be decoded as \"\(encoding ?? "")\": \(error)\(hint)")
      return nil
    }
  }
}
