// SPDX-License-Identifier: Apache-2.0
import APIClients
public import ArgumentParser
import EtcdWire

/// `coracle cluster`: the store and its members.
public struct ClusterCommand: AsyncParsableCommand {
  /// The group and its verbs.
  public static let configuration = CommandConfiguration(
    commandName: "cluster",
    abstract: "Look at the store's members and change them, and make tokens for new clusters.",
    discussion: """
      add, remove, update and promote are short for members add, members remove and so on. Any node takes them.
      """,
    subcommands: [
      Health.self, Status.self, Members.self, Add.self, Remove.self, Update.self, Promote.self,
      Discovery.self,
    ]
  )

  /// Makes the command.
  public init() {}

  struct Health: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Ask every member whether it is healthy; exit 5 when the cluster is not."
    )
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
      try await client.withCluster { await $0.health(output.output) }
    }
  }

  struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show where the node stands that is asked, and where each member does: role, leader, indexes."
    )
    @Flag(help: "Also compute a digest of the whole store.") var digest = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
      try await client.withCluster { await $0.status(withDigest: digest, output.output) }
    }
  }

  struct Discovery: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Discovery tokens, by which machines find their cluster.",
      subcommands: [New.self]
    )
  }

  struct New: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a token and print the URL to write into coreos.etcd2.discovery."
    )
    @Option(help: "How many members the cluster shall have.") var size = 3
    @OptionGroup var client: ClientOptions

    func validate() throws {
      guard (1...9).contains(size) else { throw ValidationError("A cluster has 1 to 9 members, not \(size).") }
    }

    func run() async throws {
      try await client.withCluster { await $0.newToken(size: size) }
    }
  }
}
