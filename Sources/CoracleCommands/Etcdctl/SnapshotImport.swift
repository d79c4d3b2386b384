// SPDX-License-Identifier: Apache-2.0
import APIClients
import EtcdStore
import EtcdWire
import Glibc

/// `etcdctl import`: writes the files of an etcd 0.4 snapshot into a running store.
///
/// Source: etcd v2.3.8 `etcdctl/command/import_snap_command.go`.
struct SnapshotImport: Equatable {
  /// A file to write.
  struct File: Equatable, Sendable {
    var key: String
    var value: String
    /// 0 means for ever.
    var ttlSeconds: UInt64
  }

  /// The least time to live that is written: the original's, so that nothing is gone before the move is made.
  static let minimumTTLSeconds: UInt64 = 300
  private static let maximumClients: Int64 = 256

  var path: String
  /// Hidden keys to import, which no listing shows.
  var hidden: [String]
  var clients: Int

  /// Reads the flags.
  ///
  /// - Throws: ``EtcdctlUsageError``.
  init(_ flags: EtcdctlFlags) throws(EtcdctlUsageError) {
    guard let path = flags["snap"], !path.isEmpty else {
      throw EtcdctlUsageError(message: "no snapshot file provided (use --snap)", form: .bare)
    }
    self.path = path
    hidden = flags.all("hidden").map(NodeKey.cleaned)
    let clients = flags["c"] == nil ? 10 : flags.number("c")
    guard (1...Self.maximumClients).contains(clients) else {
      throw EtcdctlUsageError(message: "-c must be a number from 1 to \(Self.maximumClients)", form: .bare)
    }
    self.clients = Int(clients)
  }

  /// Imports the snapshot.
  ///
  /// - Returns: The exit code.
  func run(_ keys: any KeysAPI, _ output: CommandOutput) async -> Int32 {
    let bytes: [UInt8]
    do throws(CommandFailure) {
      guard let found = try LocalFiles.bytes(path, maximumBytes: LegacySnapshot.maximumBytes) else {
        output.errorLine("cannot read snapshot file \(path)")
        return KeyValueExit.badArguments
      }
      bytes = found
    } catch {
      output.errorLine(error.message)
      return KeyValueExit.badArguments
    }
    let snapshot: LegacySnapshot
    do throws(CommandFailure) {
      snapshot = try LegacySnapshot(bytes)
    } catch {
      output.errorLine("\(path) is no snapshot of etcd 0.4: \(error.message)")
      return KeyValueExit.badArguments
    }
    output.line("starting to import snapshot \(path) with \(clients) clients")
    var files = snapshot.files(below: "/") { log("entering dir: \($0)", output) }
    for key in hidden { files += snapshot.files(below: key) { log("entering dir: \($0)", output) } }
    if let failure = await write(files, keys, output) {
      log("failed to copy key: \(failure)", output)
      return KeyValueExit.badArguments
    }
    output.line("finished importing \(files.count) keys")
    return KeyValueExit.done
  }

  private func write(_ files: [File], _ keys: any KeysAPI, _ output: CommandOutput) async -> EtcdError? {
    await withTaskGroup(of: EtcdError?.self) { group in
      for (place, file) in files.enumerated() {
        if place >= clients, let failure = await group.next() ?? nil { return failure }
        group.addTask { await copy(file, keys, output) }
      }
      for await failure in group { if let failure { return failure } }
      return nil
    }
  }

  private func copy(_ file: File, _ keys: any KeysAPI, _ output: CommandOutput) async -> EtcdError? {
    log("copying key: \(file.key)", output)
    var ttl = file.ttlSeconds
    if ttl != 0, ttl < Self.minimumTTLSeconds {
      ttl = Self.minimumTTLSeconds
      log("extending key \(file.key)'s ttl to \(ttl) seconds", output)
    }
    do throws(EtcdError) {
      try await keys.set(file.key, file.value, ttl: timeToLive(ttl))
      return nil
    } catch {
      return error
    }
  }

  private func log(_ text: String, _ output: CommandOutput) {
    output.errorLine("\(TimeText.log(UnitSession.nowEpochMilliseconds())) \(text)")
  }
}
