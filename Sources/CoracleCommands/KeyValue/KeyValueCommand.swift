// SPDX-License-Identifier: Apache-2.0
import APIClients
import ArgumentParser
import EtcdStore

/// `coracle kv`: reads and changes the store, with etcdctl's output and exit codes.
struct KeyValueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kv",
    abstract: "Read and change the store.",
    discussion: """
      A VALUE that is missing is read from standard input; one that begins with - goes behind --.
      Exit codes are etcdctl's: 0 done, 1 bad arguments or a directory where a file is wanted, 4 refused by the server
      or unreachable.
      """,
    subcommands: [
      Get.self, Set.self, Make.self, MakeDirectory.self, SetDirectory.self, Remove.self, RemoveDirectory.self,
      List.self, Update.self, UpdateDirectory.self, Watch.self, ExecWatch.self, Import.self, Export.self, Backup.self,
      Restore.self,
    ]
  )

  /// What all commands on keys have in common.
  struct Options: ParsableArguments {
    @OptionGroup var client: ClientOptions

    @Option(name: .shortAndLong, help: "Form of the output: simple (or table), extended, json.")
    var output = KeyValueFormat.simple

    /// Carries an action out and leaves with its exit code.
    func run(_ action: KeyValueAction) async throws {
      let code = try await client.withClients { clients in
        await KeyValueSession(keys: clients.etcd, format: output, output: .standard).run(action)
      }
      if code != KeyValueExit.done { throw ExitCode(code) }
    }
  }

  /// How long what is written lives.
  struct TimeToLive: ParsableArguments {
    @Option(help: "Seconds the key lives; 0 is for ever.")
    var ttl: UInt64 = 0
  }

  /// A key and what to write.
  struct KeyAndValue: ParsableArguments {
    @Argument(help: "The key.")
    var key: String

    @Argument(help: "The value (default: standard input).")
    var value: String?

    /// The value, from standard input when none is given.
    func readValue() throws -> String {
      guard let value = value ?? StandardInput.readAll() else { throw ValidationError("value required") }
      return value
    }
  }

  struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "get", abstract: "Print the value of a key.")
    @OptionGroup var options: Options
    @Flag(help: "Accepted for etcdctl's sake; a file has no order.") var sort = false
    @Flag(help: "Ask a majority, not the node's own copy.") var quorum = false
    @Argument(help: "The key.") var key: String

    func run() async throws {
      try await options.run(.get(key: key, sorted: sort, quorum: quorum))
    }
  }

  struct Set: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "set", abstract: "Create a key or replace its value.")
    @OptionGroup var options: Options
    @OptionGroup var life: TimeToLive
    @Option(help: "Only if the key has this value.") var swapWithValue: String?
    @Option(help: "Only if the key was last changed at this index.") var swapWithIndex: UInt64?
    @OptionGroup var content: KeyAndValue

    func run() async throws {
      let condition = comparison(value: swapWithValue, index: swapWithIndex)
      try await options.run(.set(content.key, try content.readValue(), ttl: life.ttl, comparison: condition))
    }
  }

  struct Make: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "mk", abstract: "Create a key that does not exist.")
    @OptionGroup var options: Options
    @OptionGroup var life: TimeToLive
    @Flag(help: "Create a child named by its index.") var inOrder = false
    @OptionGroup var content: KeyAndValue

    func run() async throws {
      try await options.run(.make(content.key, try content.readValue(), ttl: life.ttl, inOrder: inOrder))
    }
  }

  struct Update: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "update", abstract: "Change a key that exists.")
    @OptionGroup var options: Options
    @OptionGroup var life: TimeToLive
    @OptionGroup var content: KeyAndValue

    func run() async throws {
      try await options.run(.update(content.key, try content.readValue(), ttl: life.ttl))
    }
  }

  struct MakeDirectory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "mkdir", abstract: "Create a directory.")
    @OptionGroup var options: Options
    @OptionGroup var life: TimeToLive
    @Argument(help: "The key.") var key: String

    func run() async throws { try await options.run(.makeDirectory(key, ttl: life.ttl)) }
  }

  struct SetDirectory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "setdir",
      abstract: "Create a directory, in place of a file if there is one."
    )
    @OptionGroup var options: Options
    @OptionGroup var life: TimeToLive
    @Argument(help: "The key.") var key: String

    func run() async throws { try await options.run(.setDirectory(key, ttl: life.ttl)) }
  }

  struct UpdateDirectory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "updatedir",
      abstract: "Change how long a directory lives."
    )
    @OptionGroup var options: Options
    @OptionGroup var life: TimeToLive
    @Argument(help: "The key.") var key: String

    func run() async throws { try await options.run(.updateDirectory(key, ttl: life.ttl)) }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rm", abstract: "Remove a key or a directory.")
    @OptionGroup var options: Options
    @Flag(help: "Remove an empty directory.") var dir = false
    @Flag(help: "Remove a directory with all below it.") var recursive = false
    @Option(help: "Only if the key has this value.") var withValue: String?
    @Option(help: "Only if the key was last changed at this index.") var withIndex: UInt64?
    @Argument(help: "The key.") var key: String

    func run() async throws {
      let condition = comparison(value: withValue, index: withIndex)
      try await options.run(.remove(key, isDirectory: dir, recursive: recursive, comparison: condition))
    }
  }

  struct RemoveDirectory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rmdir", abstract: "Remove a key or empty directory.")
    @OptionGroup var options: Options
    @Argument(help: "The key.") var key: String

    func run() async throws {
      try await options.run(.remove(key, isDirectory: true, recursive: false, comparison: nil))
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the keys in a directory.")
    @OptionGroup var options: Options
    @Flag(help: "In the order of the keys' bytes.") var sort = false
    @Flag(name: .shortAndLong, help: "With all that is below.") var recursive = false
    @Flag(name: .customShort("p"), help: "Mark directories with a slash.") var slash = false
    @Flag(help: "Ask a majority, not the node's own copy.") var quorum = false
    @Argument(help: "The directory.") var key = "/"

    func run() async throws {
      try await options.run(
        .list(key: key, recursive: recursive, sorted: sort, quorum: quorum, markDirectories: slash)
      )
    }
  }

  struct Watch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "watch", abstract: "Print changes of a key.")
    @OptionGroup var options: Options
    @Flag(name: .shortAndLong, help: "Go on after the first change.") var forever = false
    @Flag(name: .shortAndLong, help: "With all that is below.") var recursive = false
    @Option(help: "Begin after this index instead of now.") var afterIndex: UInt64 = 0
    @Argument(help: "The key.") var key: String

    func run() async throws {
      endQuietlyWhenInterrupted()
      try await options.run(.watch(key: key, recursive: recursive, forever: forever, afterIndex: afterIndex))
    }
  }
}
