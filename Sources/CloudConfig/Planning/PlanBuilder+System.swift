// SPDX-License-Identifier: Apache-2.0
import Units

extension PlanBuilder {
  /// Plans what is to change on the computer itself.
  ///
  /// Source: specs/cloud-config.md §3.
  mutating func planSystem(_ document: Section) -> SystemPlan {
    for name in ["hostname", "ssh_authorized_keys", "users", "write_files", "manage_etc_hosts"] {
      guard let setting = document[name] else { continue }
      let shown = name == "hostname" ? name : String(name.map { $0 == "_" ? "-" : $0 })
      log.info(at: setting.keyMark, "\(shown) changes this computer; that is not carried out yet")
    }
    var plan = SystemPlan(hostname: document["hostname"]?.string)
    plan.sshAuthorizedKeys = (document["ssh_authorized_keys"]?.strings ?? []).map { String($0.text.trimmingBlanks()) }
    plan.managesEtcHosts = document["manage_etc_hosts"] != nil
    for section in document["users"]?.sections ?? [] {
      guard let name = section["name"]?.string, !name.isEmpty else {
        log.error(at: section.mark, "a user needs a name")
        continue
      }
      plan.users.append(
        SystemPlan.User(
          name: name,
          passwordHash: section["passwd"]?.string,
          sshAuthorizedKeys: (section["ssh_authorized_keys"]?.strings ?? []).map(\.text),
          groups: (section["groups"]?.strings ?? []).map(\.text)
        )
      )
    }
    for section in document["write_files"]?.sections ?? [] {
      if let file = planFile(section) { plan.files.append(file) }
    }
    return plan
  }

  private mutating func planFile(_ section: Section) -> SystemPlan.File? {
    guard let path = section["path"], let text = path.string else {
      log.error(at: section.mark, "a file needs a path")
      return nil
    }
    guard text.hasPrefix("/"), !text.split(separator: "/").contains("..") else {
      log.error(at: path.mark, "the path \"\(text)\" must be absolute, without \"..\"")
      return nil
    }
    var file = SystemPlan.File(path: text, content: [], owner: section["owner"]?.string)
    if let permissions = section["permissions"], let text = permissions.string {
      guard (3...5).contains(text.count), let bits = UInt32(text, radix: 8), bits <= 0o7777 else {
        log.error(at: permissions.mark, "permissions must be octal digits, as in 0644, not \"\(text)\"")
        return nil
      }
      file.permissions = bits
    }
    guard let content = section["content"], let bytes = decoded(content, encoding: section["encoding"]?.string) else {
      return section["content"] == nil ? file : nil
    }
    file.content = bytes
    return file
  }

  private mutating func decoded(_ content: Setting, encoding: String?) -> [UInt8]? {
    var bytes = Array((content.string ?? "").utf8)
    let isBase64 = encoding == "b64" || encoding == "base64"
    if let encoding, !isBase64 {
      log.error(at: content.mark, "content in \"\(encoding)\" is not supported yet; use base64 or plain text")
      return nil
    }
    for _ in 0..<(isBase64 ? 1 : 0) + (content.isBinary ? 1 : 0) {
      guard let plain = Base64.decode(bytes) else {
        log.error(at: content.mark, "content cannot be decoded as \"\(encoding ?? "!!binary")\"")
        return nil
      }
      bytes = plain
    }
    return bytes
  }
}
