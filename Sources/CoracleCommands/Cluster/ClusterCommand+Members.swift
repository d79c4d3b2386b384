// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

extension ClusterCommand {
  struct Members: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the store's members; add, remove and update them; make workers members.",
      subcommands: [List.self, Add.self, Remove.self, Update.self, Promote.self],
      defaultSubcommand: List.self
    )
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the members.")
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions

    func run() async throws {
      try await client.withCluster { await $0.listMembers(output.output) }
    }
  }

  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let a new machine become a member, and print what its cloud-config needs."
    )
    @OptionGroup var output: OutputOptions
    @OptionGroup var client: ClientOptions
    @Argument(help: "The new member's name.") var name: String
    @Argument(help: ArgumentHelp("Where other members will reach it.", valueName: "peer-url[,url…]")) var peerURL:
      String

    func run() async throws {
      try await client.withCluster { await $0.addMember(name, list(peerURL), output.output) }
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Remove a member for good.")
    @OptionGroup var client: ClientOptions
    @Argument(help: "The member's id or name.") var member: String

    func run() async throws {
      try await client.withCluster { await $0.removeMember(member) }
    }
  }

  struct Update: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Give a member other peer URLs.")
    @OptionGroup var client: ClientOptions
    @Argument(help: "The member's id or name.") var member: String
    @Argument(help: ArgumentHelp("Where other members reach it.", valueName: "peer-url[,url…]")) var peerURL: String

    func run() async throws {
      try await client.withCluster { await $0.updateMember(member, list(peerURL)) }
    }
  }
}

private func list(_ urls: String) -> [String] {
  urls.split(separator: ",").map(String.init)
}

extension ClientOptions {
  /// Carries a cluster command out and leaves with its exit code.
  func withCluster(_ body: (ClusterSession) async -> Int32) async throws {
    let status = try await withClients { clients in
      await body(ClusterSession(clients: clients, output: .standard))
    }
    guard status == 0 else { throw ExitCode(status) }
  }
}
