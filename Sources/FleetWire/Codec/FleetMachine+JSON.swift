// SPDX-License-Identifier: Apache-2.0
public import EtcdWire

extension FleetMachine {
  /// The machine as a client receives it.
  public var json: JSONValue {
    var fields = FleetFields()
    fields.add("clientURL", clientURL)
    fields.add("id", id)
    fields.add("metadata", metadata)
    fields.add("primaryIP", primaryIP)
    return fields.json
  }

  /// Reads what a server sent; nil when it is no machine.
  public init?(json: JSONValue) {
    guard let id = json["id"]?.string else { return nil }
    self.init(
      id: id,
      primaryIP: json.text("primaryIP"),
      metadata: json["metadata"]?.textFields ?? [:],
      clientURL: json["clientURL"]?.string
    )
  }
}

extension MachineMetadataOperation {
  /// The operation as fleet's clients send it.
  public var json: JSONValue {
    var fields: [JSONValue.Field] = [.init("op", .string(operation)), .init("path", .string(path))]
    if !value.isEmpty { fields.append(.init("value", ["value": .string(value)])) }
    return .object(fields)
  }

  /// Reads the body of `PATCH /fleet/v1/machines`.
  ///
  /// The value may be fleet's object `{"value":"x"}` or, as its documentation says, a plain text.
  ///
  /// - Throws: ``FleetAPIError/badRequest(_:)`` when the body is no list of operations.
  public static func operations(body: some Sequence<UInt8>) throws(FleetAPIError) -> [MachineMetadataOperation] {
    do throws(GoJSON.Failure) {
      let json = try GoJSON.firstValue(in: body)
      if json == .null { return [] }
      guard let elements = json.array else {
        let type = "[]api.machineMetadataOp"
        throw GoJSON.Failure(message: "json: cannot unmarshal \(json.goKind) into Go value of type \(type)")
      }
      var operations: [MachineMetadataOperation] = []
      for element in elements { operations.append(try MachineMetadataOperation(element)) }
      return operations
    } catch {
      throw .badRequest(error.message)
    }
  }

  private init(_ json: JSONValue) throws(GoJSON.Failure) {
    let fields = try GoFields(json, type: "api.machineMetadataOp")
    let field = fields.field("value") ?? .null
    let value: String
    if let text = field.string {
      value = text
    } else {
      value = try GoFields(field, type: "api.machineMetadataOp.Value").text("value")
    }
    self.init(
      operation: try fields.text("op"),
      path: try fields.text("path"),
      value: value
    )
  }

  /// Checks the operation and takes it apart.
  ///
  /// - Returns: The machine, the key, and the new value: empty for `remove`, which hides the key.
  /// - Throws: ``FleetAPIError/badRequest(_:)`` with fleet's texts.
  public func validated() throws(FleetAPIError) -> (machineID: String, key: String, value: String) {
    guard ["add", "replace", "remove"].contains(operation) else {
      throw .badRequest("invalid op: expect add, remove, or replace")
    }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0].isEmpty, !parts[1].isEmpty, parts[2] == "metadata", !parts[3].isEmpty,
      parts[3].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_.-".contains($0)) }),
      parts[3] != ".", parts[3] != "..", parts[1] != ".", parts[1] != ".."
    else {
      throw .badRequest("machine metadata path invalid")
    }
    guard operation == "remove" || !value.isEmpty else {
      throw .badRequest("invalid value: add and replace require a value")
    }
    return (String(parts[1]), String(parts[3]), operation == "remove" ? "" : value)
  }
}
