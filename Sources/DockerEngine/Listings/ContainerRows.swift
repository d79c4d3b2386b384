// SPDX-License-Identifier: Apache-2.0
import TextTemplates

/// `docker ps`: rows from the engine's list of containers.
///
/// Source: docker CLI `cli/command/formatter/container.go`.
enum ContainerRows {
  static func format(showsSize: Bool) -> ListingFormat {
    let columns = ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"] + (showsSize ? ["Size"] : [])
    return ListingFormat(
      kind: "ContainerContext",
      table: columns.map { "{{.\($0)}}" }.joined(separator: "\t"),
      raw: raw(showsSize: showsSize),
      quiet: "{{.ID}}",
      headers: [
        "ID": "CONTAINER ID", "Names": "NAMES", "Image": "IMAGE", "Command": "COMMAND", "CreatedAt": "CREATED AT",
        "RunningFor": "CREATED", "Ports": "PORTS", "State": "STATE", "Status": "STATUS", "Size": "SIZE",
        "Labels": "LABELS", "Mounts": "MOUNTS", "LocalVolumes": "LOCAL VOLUMES", "Networks": "NETWORKS",
        "Platform": "PLATFORM",
      ]
    )
  }

  private static func raw(showsSize: Bool) -> String {
    """
    container_id: {{.ID}}
    image: {{.Image}}
    command: {{.Command}}
    created_at: {{.CreatedAt}}
    state: {{- pad .State 1 0}}
    status: {{- pad .Status 1 0}}
    names: {{.Names}}
    labels: {{- pad .Labels 1 0}}
    ports: {{- pad .Ports 1 0}}
    \(showsSize ? "size: {{.Size}}\n" : "")
    """
  }

  static func row(_ container: JSONValue, isWhole: Bool, now: Int64) -> ListingRow {
    let id = container["Id"]?.string ?? ""
    let command = container["Command"]?.string ?? ""
    let created = container["Created"]?.int64 ?? 0
    let labels = container["Labels"]?.members ?? []
    let mounts = container["Mounts"]?.elements ?? []
    let networks = container["NetworkSettings"]?["Networks"]?.members.map(\.name) ?? []
    let texts = [
      "ID": isWhole ? id : HumanText.shortID(id),
      "Names": names(container, isWhole: isWhole),
      "Image": image(container, isWhole: isWhole),
      "Command": GoFormat.quoted(isWhole ? command : HumanText.ellipsis(command, 20)),
      "CreatedAt": HumanText.localTime(seconds: created).formatted(HumanText.goLayout),
      "RunningFor": HumanText.duration(seconds: now - created) + " ago",
      "Ports": ports(container["Ports"]?.elements ?? []),
      "State": container["State"]?.string ?? "",
      "Status": container["Status"]?.string ?? "",
      "Size": size(container),
      "Labels": labels.map { "\($0.name)=\($0.value.string ?? "")" }.sorted().joined(separator: ","),
      "Mounts": mounts.map { mount($0, isWhole: isWhole) }.joined(separator: ","),
      "LocalVolumes": String(mounts.count { $0["Driver"]?.string == "local" }),
      "Networks": networks.sorted().joined(separator: ","),
    ]
    var values = texts.mapValues { TemplateValue.string($0) }
    values["Platform"] = .null(.any)
    let label = TemplateFunction([.string]) { (arguments) throws(TemplateFunctionError) in
      .string(labels.first { $0.name == arguments[0].text }?.value.string ?? "")
    }
    return ListingRow(values: values, methods: ["Label": label])
  }

  private static func names(_ container: JSONValue, isWhole: Bool) -> String {
    let names = (container["Names"]?.elements ?? []).compactMap(\.string)
      .map { $0.hasPrefix("/") ? String($0.dropFirst()) : $0 }
    // A name below another container's is a link's.
    return (isWhole ? names : names.filter { !$0.contains("/") }).joined(separator: ",")
  }

  private static func image(_ container: JSONValue, isWhole: Bool) -> String {
    let image = container["Image"]?.string ?? ""
    if image.isEmpty { return "<no image>" }
    guard !isWhole else { return image }
    let short = HumanText.shortID(container["ImageID"]?.string ?? "")
    if short == HumanText.shortID(image) { return short }
    return String(image.prefix { $0 != "@" })
  }

  private static func size(_ container: JSONValue) -> String {
    let own = HumanText.size(container["SizeRw"]?.int64 ?? 0)
    guard let whole = container["SizeRootFs"]?.int64, whole > 0 else { return own }
    return "\(own) (virtual \(HumanText.size(whole)))"
  }

  private static func mount(_ mount: JSONValue, isWhole: Bool) -> String {
    let name = mount["Name"]?.string ?? ""
    let text = name.isEmpty ? mount["Source"]?.string ?? "" : name
    return isWhole ? text : HumanText.ellipsis(text, 15)
  }

  // MARK: Ports

  private struct Port {
    var address: String
    var inside: Int64
    var outside: Int64
    var type: String
  }

  /// `0.0.0.0:8080->80/tcp`; ports in a row that are the same inside and outside are one range.
  static func ports(_ list: [JSONValue]) -> String {
    let ports = list.map { port in
      Port(
        address: port["IP"]?.string ?? "",
        inside: port["PrivatePort"]?.int64 ?? 0,
        outside: port["PublicPort"]?.int64 ?? 0,
        type: port["Type"]?.string ?? ""
      )
    }
    .sorted { ($0.inside, $0.address, $0.outside, $0.type) < ($1.inside, $1.address, $1.outside, $1.type) }
    var ranges: [(key: String, address: String, type: String, first: Int64, last: Int64)] = []
    var finished: [String] = []
    var mappings: [String] = []
    for port in ports {
      guard port.address.isEmpty || port.outside == port.inside else {
        mappings.append("\(host(port.address)):\(port.outside)->\(port.inside)/\(port.type)")
        continue
      }
      let key = "\(port.address)/\(port.type)"
      guard let index = ranges.firstIndex(where: { $0.key == key }) else {
        ranges.append((key, port.address, port.type, port.inside, port.inside))
        continue
      }
      if port.inside != ranges[index].last + 1 {
        finished.append(range(ranges[index].address, ranges[index].type, ranges[index].first, ranges[index].last))
        ranges[index].first = port.inside
      }
      ranges[index].last = port.inside
    }
    return (finished + ranges.map { range($0.address, $0.type, $0.first, $0.last) } + mappings)
      .joined(separator: ", ")
  }

  private static func range(_ address: String, _ type: String, _ first: Int64, _ last: Int64) -> String {
    let ports = first == last ? "\(first)" : "\(first)-\(last)"
    return address.isEmpty ? "\(ports)/\(type)" : "\(host(address)):\(ports)->\(ports)/\(type)"
  }

  /// An address as it stands before a port.
  static func host(_ address: String) -> String { address.contains(":") ? "[\(address)]" : address }
}
