// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CoracleDaemon
import EtcdStore

extension KeyValueCommand {
  struct ExecWatch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "exec-watch",
      abstract: "Run a command for each change of a key.",
      discussion: """
        The command finds the change in ETCD_WATCH_ACTION, ETCD_WATCH_KEY, ETCD_WATCH_VALUE and \
        ETCD_WATCH_MODIFIED_INDEX. Changes of directories are skipped.
        """
    )
    @OptionGroup var options: Options
    @Flag(name: .shortAndLong, help: "With all that is below.") var recursive = false
    @Option(help: "Begin after this index instead of now.") var afterIndex: UInt64 = 0
    @Argument(help: "The key.") var key: String
    @Argument(parsing: .captureForPassthrough, help: "The command and its arguments, behind --.") var command: [String]

    func run() async throws {
      let words = Array(command.drop { $0 == "--" })
      guard !words.isEmpty else { throw ValidationError("Name a command behind the key.") }
      endQuietlyWhenInterrupted()
      try await options.run(.execWatch(key: key, recursive: recursive, afterIndex: afterIndex, command: words))
    }
  }

  struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "export",
      abstract: "Print a tree as lines of JSON, for import.",
      discussion: """
        One object a line: {"key":"/d","dir":true,"ttl":60}, {"key":"/d/k","value":"v"}, a directory before what is in \
        it; ttl is in seconds and left out for what lives for ever. A first line names the tree and the store's index, \
        a last one counts what there was. Hidden keys are exported when they are named.
        """
    )
    @OptionGroup var client: ClientOptions
    @Option(help: ArgumentHelp("A hidden key to export too; may be given several times.", valueName: "key"))
    var hidden: [String] = []
    @Argument(help: "The key.") var key = "/"

    func run() async throws {
      let code = try await client.withClients { clients in
        await TreeExport(keys: clients.etcd, output: .standard)
          .run(NodeKey.cleaned(key), hidden: hidden.map(NodeKey.cleaned))
      }
      if code != KeyValueExit.done { throw ExitCode(code) }
    }
  }

  struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "import",
      abstract: "Write what export printed into the store.",
      discussion: """
        Files are replaced; directories that are there are kept. Lines may also be made by hand, without the first and \
        the last; with the first line, the last must be there too. Nothing is undone when a line fails.
        """
    )
    @OptionGroup var client: ClientOptions
    @Argument(help: "The file (default: standard input).", completion: .file()) var file = "-"

    func run() async throws {
      let code = try await client.withClients { clients in
        let reader: LineReader
        do throws(CommandFailure) {
          reader = try LineReader(path: file)
        } catch {
          CommandOutput.standard.errorLine("Error:  \(error.message)")
          return KeyValueExit.badArguments
        }
        return await TreeImport(keys: clients.etcd, output: .standard)
          .run { () throws(CommandFailure) in try reader.next() }
      }
      if code != KeyValueExit.done { throw ExitCode(code) }
    }
  }

  struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "backup",
      abstract: "Copy this machine's store into a directory, also while its node runs.",
      discussion: """
        Needs the right to read the data directory, and no node. The backup has all keys with their times to live, \
        users, indexes and history as this member has them; `coracle kv restore` makes a cluster of one member of it. \
        From another machine, `coracle kv export` gives the keys.
        """
    )
    @Option(help: "The data directory of the member.", completion: .directory) var dataDir = NodeOptions
      .defaultDataDirectory
    @Argument(help: "Where the backup is made: a directory that does not exist yet.", completion: .directory)
    var directory: String

    func run() async throws {
      let backup = StoreBackup(dataDirectory: dataDir, directory: directory)
      try await telling {
        let description = try await backup.make()
        let source = "member \(hex(description.sourceMember)) (\(description.name))"
        let size = "\(description.sizeBytes) bytes"
        CommandOutput.standard.line(
          "Backed up \(source) of cluster \(hex(description.sourceCluster)) in \(directory), \(size)"
        )
      }
    }
  }

  struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "restore",
      abstract: "Make a new cluster of one member from a backup.",
      discussion: """
        Start a node with the data directory afterwards; `coracle cluster members add` lets it grow. The cluster and \
        the member have new ids, so that nothing of the old cluster meets the new one.
        """
    )
    @Option(help: "The backup.", completion: .directory) var backupDir: String
    @Option(help: "The node's data directory: one that does not exist yet, or is empty.")
    var dataDir = NodeOptions.defaultDataDirectory
    @Option(help: "The member's name (default: as it was).") var name: String?
    @Option(help: ArgumentHelp("Where other members will reach it (default: as it was).", valueName: "url[,url…]"))
    var peerUrl: String?

    func run() async throws {
      let restore = StoreRestore(
        backupDirectory: backupDir,
        dataDirectory: dataDir,
        name: name,
        peerURLs: peerUrl.map { $0.split(separator: ",").map(String.init) }
      )
      try await telling {
        let made = try await restore.make()
        let member = "member \(hex(made.member)) (\(made.name), \(made.peerURLs.joined(separator: ",")))"
        CommandOutput.standard.line("Restored \(member) of the new cluster \(hex(made.cluster)) in \(dataDir)")
        CommandOutput.standard.line("Start it with: coracle node --data-dir \(dataDir) --name \(made.name)")
      }
    }
  }
}

private func hex(_ number: UInt64) -> String { String(number, radix: 16) }

/// Ends a command with one line when its work on files fails.
private func telling(_ body: () async throws -> Void) async throws {
  do {
    try await body()
  } catch {
    CommandOutput.standard.errorLine("Error:  \(NodeError("", cause: error).chain)")
    throw ExitCode(KeyValueExit.badArguments)
  }
}
