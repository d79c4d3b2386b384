// SPDX-License-Identifier: Apache-2.0

/// The members of a new cluster by name: `name=url,name=url`, where a name may come again with another URL.
///
/// Invariant: names are distinct and not empty, each has at least one URL, no URL belongs to two names.
public struct InitialCluster: Sendable, Equatable {
  /// One member of the cluster.
  public struct Entry: Sendable, Equatable {
    /// The member's name.
    public var name: String
    /// The member's peer URLs, in the order given.
    public var peerURLs: [EndpointURL]

    /// Makes an entry.
    public init(name: String, peerURLs: [EndpointURL]) {
      self.name = name
      self.peerURLs = peerURLs
    }
  }

  /// Why a text is not a list of members.
  public enum ParseError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A part between commas is not `name=url`.
    case notAPair(String)
    /// A URL of a member is none, or has a path.
    case badURL(name: String, EndpointURL.ParseError)
    /// Two members share a URL.
    case duplicateURL(String)
    /// No member is named.
    case empty

    /// What is wrong, naming the part.
    public var description: String {
      switch self {
      case .notAPair(let part): "\"\(part)\" is not of the form name=url"
      case .badURL(let name, let error): "the URL of \"\(name)\": \(error)"
      case .duplicateURL(let url): "the URL \(url) stands for two members"
      case .empty: "no member is named"
      }
    }
  }

  /// The members, in the order their names first came.
  public private(set) var entries: [Entry]

  /// Parses `name=url[,name=url]…`.
  public init(parsing text: String) throws(ParseError) {
    entries = []
    var owners: [String: String] = [:]
    var positions: [String: Int] = [:]
    for part in text.split(separator: ",", omittingEmptySubsequences: true) {
      let pair = part.trimmingBlanks()
      guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else {
        throw .notAPair(String(pair))
      }
      let name = String(pair[..<equals].trimmingBlanks())
      let url: EndpointURL
      do {
        url = try EndpointURL(parsing: String(pair[pair.index(after: equals)...].trimmingBlanks()))
      } catch {
        throw .badURL(name: name, error)
      }
      if let owner = owners.updateValue(name, forKey: url.text) {
        // The same pair twice (etcd's own default text does it) says nothing new.
        guard owner == name else { throw .duplicateURL(url.text) }
        continue
      }
      if let position = positions[name] {
        entries[position].peerURLs.append(url)
      } else {
        positions[name] = entries.count
        entries.append(Entry(name: name, peerURLs: [url]))
      }
    }
    guard !entries.isEmpty else { throw .empty }
  }

  /// A cluster of one member, which has at least one URL.
  public init(of name: String, peerURLs: [EndpointURL]) {
    precondition(!name.isEmpty && !peerURLs.isEmpty, "a member needs a name and a URL, not \(name) \(peerURLs)")
    entries = [Entry(name: name, peerURLs: peerURLs)]
  }

  /// The entry of a member.
  public subscript(name: String) -> Entry? {
    entries.first { $0.name == name }
  }

  /// The text form, members in order: `a=http://h:2380,b=http://i:2380`.
  public var text: String {
    entries.flatMap { entry in entry.peerURLs.map { "\(entry.name)=\($0.text)" } }.joined(separator: ",")
  }
}
