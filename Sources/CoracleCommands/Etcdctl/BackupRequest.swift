// SPDX-License-Identifier: Apache-2.0
import CoracleDaemon

/// `etcdctl backup`: a copy of a member's store, made of its files.
struct BackupRequest: Equatable {
  var dataDirectory: String
  var walDirectory: String?
  var backupDirectory: String
  var backupWALDirectory: String?

  /// Reads the flags.
  ///
  /// - Throws: ``EtcdctlUsageError``.
  init(_ flags: EtcdctlFlags) throws(EtcdctlUsageError) {
    func path(_ name: String) -> String? { flags[name].flatMap { $0.isEmpty ? nil : $0 } }
    guard !flags.isSet("with-v3") else {
      throw EtcdctlUsageError(message: "--with-v3: there is no v3 data here", form: .bare)
    }
    guard let source = path("data-dir") ?? path("wal-dir") else {
      throw EtcdctlUsageError(message: "no data directory is given (use --data-dir)", form: .bare)
    }
    guard let target = path("backup-dir") else {
      throw EtcdctlUsageError(message: "no backup directory is given (use --backup-dir)", form: .bare)
    }
    dataDirectory = source
    walDirectory = path("wal-dir")
    backupDirectory = target
    backupWALDirectory = path("backup-wal-dir")
  }

  /// Makes the backup, in silence as the original does.
  ///
  /// - Returns: The exit code.
  func run(_ output: CommandOutput) async -> Int32 {
    let backup = StoreBackup(
      dataDirectory: dataDirectory,
      logDirectory: walDirectory,
      directory: backupDirectory,
      backupLogDirectory: backupWALDirectory
    )
    do {
      _ = try await backup.make()
      return KeyValueExit.done
    } catch {
      output.errorLine(NodeError("", cause: error).chain)
      return KeyValueExit.badArguments
    }
  }
}
