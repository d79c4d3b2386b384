// SPDX-License-Identifier: Apache-2.0
import Glibc

/// How `events` writes what happened.
struct EventText {
  private enum Form {
    case text
    case json
  }

  private let form: Form

  init(format: String?) throws(DockerEngineError) {
    switch format {
    case nil: form = .text
    case "json", "{{json .}}": form = .json
    case let format?: throw DockerEngineError(.badRequest, "--format \(format): only json is supported")
    }
  }

  /// One event, without a newline.
  func line(_ event: JSONValue) throws(DockerEngineError) -> String {
    guard case .text = form else { return event.compactText }
    // Engines tell images and networks in the same shape.
    let actor = event["Actor"]
    let attributes = (actor?["Attributes"]?.members ?? []).sorted { $0.name < $1.name }
      .map { "\($0.name)=\($0.value.string ?? "")" }
    var words = [Self.time(event["timeNano"]?.int64 ?? (event["time"]?.int64 ?? 0) * 1_000_000_000)]
    words += [event["Type"]?.string ?? "container", event["Action"]?.string ?? event["status"]?.string ?? ""]
    words.append(actor?["ID"]?.string ?? event["id"]?.string ?? "")
    if !attributes.isEmpty { words.append("(" + attributes.joined(separator: ", ") + ")") }
    return words.joined(separator: " ")
  }

  /// Local time with nanoseconds and its zone, as RFC 3339 writes it.
  private static func time(_ nanoseconds: Int64) -> String {
    var seconds = time_t(nanoseconds / 1_000_000_000)
    var local = tm()
    localtime_r(&seconds, &local)
    func padded(_ number: Int, _ width: Int = 2) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let day = "\(padded(Int(local.tm_year) + 1900, 4))-\(padded(Int(local.tm_mon) + 1))-\(padded(Int(local.tm_mday)))"
    let clock = "\(padded(Int(local.tm_hour))):\(padded(Int(local.tm_min))):\(padded(Int(local.tm_sec)))"
    let offset = Int(local.tm_gmtoff) / 60
    let zone = offset == 0 ? "Z" : "\(offset < 0 ? "-" : "+")\(padded(abs(offset) / 60)):\(padded(abs(offset) % 60))"
    return "\(day)T\(clock).\(padded(Int(nanoseconds % 1_000_000_000), 9))\(zone)"
  }
}
