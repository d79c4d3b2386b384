// SPDX-License-Identifier: Apache-2.0
import TextTemplates

/// `docker network ls` and `docker volume ls`.
///
/// Source: docker CLI `cli/command/network/formatter.go` and `cli/command/formatter/volume.go`.
enum NamedRows {
  static let networks = ListingFormat(
    kind: "networkContext",
    table: "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
    raw: "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n",
    quiet: "{{.ID}}",
    headers: [
      "ID": "NETWORK ID", "Name": "NAME", "Driver": "DRIVER", "Scope": "SCOPE", "IPv4": "IPV4", "IPv6": "IPV6",
      "Internal": "INTERNAL", "Labels": "LABELS", "CreatedAt": "CREATED AT",
    ]
  )

  static let volumes = ListingFormat(
    kind: "volumeContext",
    table: "{{.Driver}}\t{{.Name}}",
    raw: "name: {{.Name}}\ndriver: {{.Driver}}\n",
    quiet: "{{.Name}}",
    headers: [
      "Name": "VOLUME NAME", "Driver": "DRIVER", "Scope": "SCOPE", "Availability": "AVAILABILITY",
      "Mountpoint": "MOUNTPOINT", "Labels": "LABELS", "Links": "LINKS", "Size": "SIZE", "Group": "GROUP",
      "Status": "STATUS",
    ]
  )

  static func network(_ network: JSONValue, isWhole: Bool) -> ListingRow {
    let id = network["Id"]?.string ?? ""
    func yes(_ name: String) -> String { network[name]?.bool == true ? "true" : "false" }
    return row(
      network,
      [
        "ID": isWhole ? id : HumanText.shortID(id), "Name": network["Name"]?.string ?? "",
        "Driver": network["Driver"]?.string ?? "", "Scope": network["Scope"]?.string ?? "",
        "IPv4": yes("EnableIPv4"), "IPv6": yes("EnableIPv6"), "Internal": yes("Internal"),
        "CreatedAt": created(network["Created"]?.string ?? ""),
      ]
    )
  }

  static func volume(_ volume: JSONValue) -> ListingRow {
    let usage = volume["UsageData"]
    func known(_ name: String, _ text: (Int64) -> String) -> String {
      usage?[name]?.int64.flatMap { $0 >= 0 ? text($0) : nil } ?? "N/A"
    }
    return row(
      volume,
      [
        "Name": volume["Name"]?.string ?? "", "Driver": volume["Driver"]?.string ?? "",
        "Scope": volume["Scope"]?.string ?? "", "Mountpoint": volume["Mountpoint"]?.string ?? "",
        "Links": known("RefCount") { String($0) }, "Size": known("Size") { HumanText.size($0, digits: 4) },
        "Availability": "N/A", "Group": "N/A", "Status": "N/A",
      ]
    )
  }

  private static func row(_ document: JSONValue, _ texts: [String: String]) -> ListingRow {
    let labels = document["Labels"]?.members ?? []
    var values = texts.mapValues { TemplateValue.string($0) }
    values["Labels"] = .string(labels.map { "\($0.name)=\($0.value.string ?? "")" }.sorted().joined(separator: ","))
    let label = TemplateFunction([.string]) { (arguments) throws(TemplateFunctionError) in
      .string(labels.first { $0.name == arguments[0].text }?.value.string ?? "")
    }
    return ListingRow(values: values, methods: ["Label": label])
  }

  private static func created(_ text: String) -> String {
    guard let nanoseconds = EngineTime.nanosecondsSinceEpoch(text) else { return text }
    let time = GoTime(seconds: Int(nanoseconds / 1_000_000_000), nanoseconds: Int(nanoseconds % 1_000_000_000))
    return time.formatted(HumanText.goLayout)
  }
}
