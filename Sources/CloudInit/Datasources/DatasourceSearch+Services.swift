// SPDX-License-Identifier: Apache-2.0
import CloudConfig

// Metadata services that are a few documents behind one address.
extension DatasourceSearch {
  private static let limit = FoundUserData.userDataLimitBytes

  /// The address of every cloud's metadata service.
  static let linkLocal = "http://169.254.169.254"

  static func base(_ given: String?, _ usual: String = linkLocal) -> String {
    let base = given ?? usual
    return base.hasSuffix("/") ? String(base.dropLast()) : base
  }

  // MARK: DigitalOcean

  func digitalOcean(_ given: String?, of source: Datasource) async throws -> DatasourceReading {
    let base = "\(Self.base(given))/metadata"
    guard let description = try await documents.get("\(base)/v1.json") else {
      return .absent("there is no \(base)/v1.json")
    }
    let metadata = try Self.checked("\(base)/v1.json") { try MachineMetadata.digitalOcean(description) }
    let url = "\(base)/v1/user-data"
    let userData = try await documents.get(url, limitBytes: Self.limit)
    return .found(
      FoundUserData(source: source, userData: userData.flatMap { UserData(at: url, $0) }, metadata: metadata)
    )
  }

  // MARK: OpenStack

  func openStack(_ given: String?, of source: Datasource) async throws -> DatasourceReading {
    let base = "\(Self.base(given))/openstack/latest"
    guard let description = try await documents.get("\(base)/meta_data.json") else {
      return .absent("there is no \(base)/meta_data.json")
    }
    let network = try await documents.get("\(base)/network_data.json")
    let metadata = try Self.checked("\(base)/meta_data.json") {
      try MachineMetadata.openStack(description, network: network)
    }
    let url = "\(base)/user_data"
    let userData = try await documents.get(url, limitBytes: Self.limit)
    return .found(
      FoundUserData(source: source, userData: userData.flatMap { UserData(at: url, $0) }, metadata: metadata)
    )
  }
}

extension UserData {
  /// User-data of a service, where an empty document means none.
  init?(at url: String, _ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return nil }
    self.init(name: url, bytes: bytes)
  }
}

/// The metadata service of EC2.
///
/// Source: AWS, "Use IMDSv2"; coreos-cloudinit `datasource/metadata/ec2`; specs/cloud-config.md §7.
struct EC2Service {
  private var documents: WebDocuments
  private let root: String
  private var base: String { "\(root)/2009-04-04" }
  /// Keys of one machine; no service has that many.
  private static let keysLimit = 100

  init(_ documents: WebDocuments, base: String?) {
    self.documents = documents
    root = DatasourceSearch.base(base)
  }

  func read(as source: Datasource) async throws -> DatasourceReading {
    var service = self
    guard let token = try await service.token() else { return .absent("\(root) gives no token: the service is off") }
    if !token.isEmpty { service.documents.headers["X-aws-ec2-metadata-token"] = token }
    let url = "\(base)/user-data"
    let first = try await service.documents.answer(
      to: WebRequest(.get, url, headers: service.documents.headers, limitBytes: FoundUserData.userDataLimitBytes)
    )
    guard first.status != 401, first.status != 403 else { return .absent("\(url) answers \(first.status)") }
    guard let metadata = try await service.metadata() else { return .absent("there is no \(base)/meta-data/") }
    let userData = first.status < 300 ? UserData(at: url, first.body) : nil
    return .found(FoundUserData(source: source, userData: userData, metadata: metadata))
  }

  /// A session's token; empty for a service of the first version, nil for one that refuses.
  ///
  /// Only an answer that knows nothing of tokens is a service of the first version: a refusal is not talked around.
  private func token() async throws -> String? {
    var request = WebRequest(.put, "\(root)/latest/api/token", limitBytes: 4_096)
    request.headers["X-aws-ec2-metadata-token-ttl-seconds"] = "300"
    let answer = try await documents.answer(to: request, isFinal: { $0 == 501 })
    switch answer.status {
    case 200..<300: return String(decoding: answer.body, as: UTF8.self).trimmingBlanksAndNewlines()
    case 404, 405, 501: return ""
    default: return nil
    }
  }

  /// What the service says about the machine; nil when it has no metadata at all.
  private func metadata() async throws -> MachineMetadata? {
    let meta = "\(base)/meta-data"
    guard try await documents.get("\(meta)/") != nil else { return nil }
    var keys: [String] = []
    // Each line is `INDEX=NAME`.
    let list = try await documents.text("\(meta)/public-keys") ?? ""
    for line in list.split(whereSeparator: \.isNewline).prefix(Self.keysLimit) {
      guard let index = Int(line.prefix { $0 != "=" }) else { continue }
      if let key = try await documents.text("\(meta)/public-keys/\(index)/openssh-key") { keys.append(key) }
    }
    return MachineMetadata(
      hostname: try await documents.text("\(meta)/hostname"),
      keys: keys,
      addresses: AddressTokens(
        publicIPv4: try await documents.text("\(meta)/public-ipv4"),
        privateIPv4: try await documents.text("\(meta)/local-ipv4")
      )
    )
  }
}

/// The metadata service of Google Compute Engine.
///
/// Source: Google, "View and query VM metadata"; coreos-cloudinit `datasource/metadata/gce`.
struct GCEService {
  private var documents: WebDocuments
  private let base: String

  init(_ documents: WebDocuments, base: String?) {
    self.documents = documents
    self.documents.headers["Metadata-Flavor"] = "Google"
    self.base = "\(DatasourceSearch.base(base))/computeMetadata/v1"
  }

  func read(as source: Datasource) async throws -> DatasourceReading {
    guard let hostname = try await documents.text("\(base)/instance/hostname") else {
      return .absent("there is no \(base)/instance/hostname")
    }
    let interface = "\(base)/instance/network-interfaces/0"
    let metadata = MachineMetadata(
      hostname: hostname,
      keys: try await keys(),
      addresses: AddressTokens(
        publicIPv4: try await documents.text("\(interface)/access-configs/0/external-ip"),
        privateIPv4: try await documents.text("\(interface)/ip")
      )
    )
    let url = "\(base)/instance/attributes/user-data"
    let userData = try await documents.get(url, limitBytes: FoundUserData.userDataLimitBytes)
    return .found(
      FoundUserData(source: source, userData: userData.flatMap { UserData(at: url, $0) }, metadata: metadata)
    )
  }

  /// The machine's keys, and the project's if the machine does not block them.
  private func keys() async throws -> [String] {
    let own = try await documents.text("\(base)/instance/attributes/ssh-keys") ?? ""
    let blocks = try await documents.text("\(base)/instance/attributes/block-project-ssh-keys") ?? ""
    let shared =
      blocks.lowercased() == "true" ? "" : try await documents.text("\(base)/project/attributes/ssh-keys") ?? ""
    return MachineMetadata.keys(inGoogleLines: own + "\n" + shared)
  }
}
