// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

extension ClusterCommand {
  struct Promote: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a worker a member of the store, for instance in place of a lost one.",
      discussion: """
        The worker joins by itself, keeps its units running, and votes once it has caught up. Remove the lost member \
        first: coracle cluster members remove ID.
        """
    )
    @Argument(help: "The machine's id or its beginning; without it the machine whose node is asked.")
    var machine: String?
    @Option(help: ArgumentHelp("How long to wait for the new member's vote, such as 60s.", valueName: "time"))
    var wait = CommandDuration(.seconds(60))
    @OptionGroup var client: ClientOptions

    func run() async throws {
      try await client.withCluster { await $0.promote(machine, waiting: wait.duration) }
    }
  }
}
