// SPDX-License-Identifier: Apache-2.0

/// Every verb that is understood, and docker's others by name.
enum VerbTable {
  static let verbs: [VerbDefinition] =
    ContainerVerbs.all + ContainerWorkVerbs.all + ImageVerbs.all + NetworkVerbs.all + ListingVerbs.all

  /// The words before a verb that only say what it is about.
  static let groups: [(name: String, summary: String)] = [
    ("container", "Manage containers"), ("image", "Manage images"), ("network", "Manage networks"),
    ("system", "Manage the engine"), ("volume", "Manage volumes"),
  ]

  /// Docker's verbs that are not carried out, with the reason.
  static let unsupported: [String: String] = {
    var reasons: [String: String] = [:]
    for verb in ["config", "node", "secret", "service", "stack", "swarm"] {
      reasons[verb] = "clusters of engines are fleet's business here"
    }
    for verb in [
      "buildx", "checkpoint", "compose", "context", "manifest", "plugin", "search", "stats", "container stats", "trust",
      "system df", "system dial-stdio", "volume update", "builder",
    ] {
      reasons[verb] = "docker's own program has it"
    }
    return reasons
  }()

  private static let spellings: [String: VerbDefinition] = {
    var spellings: [String: VerbDefinition] = [:]
    for verb in verbs {
      for spelling in verb.spellings { spellings[spelling] = verb }
    }
    return spellings
  }()

  /// What the first words of a command line name.
  enum Match: Sendable {
    case verb(VerbDefinition, words: [String])
    /// A group without a verb, or with `--help`.
    case group(String)
  }

  static func match(_ words: [String]) throws(DockerCommandLineError) -> Match {
    let pair = words.prefix(2).joined(separator: " ")
    if words.count >= 2, let verb = spellings[pair] { return .verb(verb, words: Array(words.dropFirst(2))) }
    if let verb = spellings[words[0]] { return .verb(verb, words: Array(words.dropFirst())) }
    if groups.contains(where: { $0.name == words[0] }) {
      guard words.count > 1, words[1] != "--help" else { return .group(words[0]) }
    } else if let reason = unsupported[words[0]] {
      throw .unsupportedVerb(words[0], reason: reason)
    } else {
      throw .unknownVerb(words[0])
    }
    if let reason = unsupported[pair] { throw .unsupportedVerb(pair, reason: reason) }
    throw .unknownVerb(pair)
  }
}
