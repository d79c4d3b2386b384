// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Glibc

/// The exit codes of etcdctl, which `coracle kv` shares.
enum KeyValueExit {
  static let done: Int32 = 0
  static let badArguments: Int32 = 1
  static let badConnection: Int32 = 2
  static let unknownCommand: Int32 = 3
  static let serverError: Int32 = 4
  static let unhealthyCluster: Int32 = 5
}

/// Makes an interruption from the terminal end the program with 0, as it ends a watch of etcdctl.
func endQuietlyWhenInterrupted() {
  signal(SIGINT) { _ in _exit(KeyValueExit.done) }
}

/// Carries key commands out on a store and prints what etcdctl prints.
struct KeyValueSession: Sendable {
  let keys: any KeysAPI
  let format: KeyValueFormat
  let output: CommandOutput

  /// Carries one command out.
  ///
  /// - Returns: The exit code.
  func run(_ action: KeyValueAction) async -> Int32 {
    do throws(EtcdError) {
      switch action {
      case .get(let key, let sorted, let quorum):
        return printFile(try await keys.get(NodeKey.cleaned(key), sorted: sorted, quorum: quorum).event)
      case .list(let key, let recursive, let sorted, let quorum, let markDirectories):
        let reply = try await keys.get(NodeKey.cleaned(key), recursive: recursive, sorted: sorted, quorum: quorum)
        printListing(reply.event, markDirectories: markDirectories)
      case .write(let key, let write):
        output.write(format.text(of: try await perform(write, on: key)))
      case .writeDirectory(let key, let write):
        let event = try await perform(write, on: key)
        if format != .simple { output.write(format.text(of: event)) }
      case .remove(let key, let write):
        let event = try await perform(write, on: key)
        if format != .simple || !event.node.isDirectory { output.write(format.text(of: event)) }
      case .watch(let key, let recursive, let forever, let afterIndex):
        return try await watch(key, recursive: recursive, afterIndex: afterIndex, streaming: forever) { event in
          print(event, recursive: recursive, forever: forever)
        }
      case .execWatch(let key, let recursive, let afterIndex, let command):
        var runner = ChangeCommand(command)
        return try await watch(key, recursive: recursive, afterIndex: afterIndex, streaming: true) { event in
          runner.run(for: event, output)
        }
      }
      return KeyValueExit.done
    } catch {
      output.reportFailure(error)
      return KeyValueExit.serverError
    }
  }

  private func perform(_ write: KeysWrite, on key: String) async throws(EtcdError) -> Event {
    try await keys.perform(.write(key: NodeKey.cleaned(key), write)).event
  }

  private func printFile(_ event: Event) -> Int32 {
    if event.node.isDirectory {
      output.errorLine("\(event.node.key): is a directory")
      return KeyValueExit.badArguments
    }
    output.write(format.text(of: event))
    return KeyValueExit.done
  }

  private func printListing(_ event: Event, markDirectories: Bool) {
    guard format == .simple else { return output.write(format.text(of: event)) }
    if !event.node.isDirectory { output.line(event.node.key) }
    printChildren(of: event.node, markDirectories: markDirectories)
  }

  private func printChildren(of node: NodeView, markDirectories: Bool) {
    for child in node.nodes ?? [] {
      output.line(child.isDirectory && markDirectories ? child.key + "/" : child.key)
      printChildren(of: child, markDirectories: markDirectories)
    }
  }

  /// Hands events on until one is enough; those on directories are skipped, as the original does.
  ///
  /// - Parameters:
  ///   - key: What is watched.
  ///   - recursive: Whether all below it counts too.
  ///   - afterIndex: Where to begin; 0 begins now.
  ///   - streaming: Whether more than one is expected, so that the next is asked for before this one is taken.
  ///   - take: Returns the exit code when it was enough.
  /// - Returns: The exit code.
  /// - Throws: What ends the watch.
  private func watch(
    _ key: String,
    recursive: Bool,
    afterIndex: UInt64,
    streaming: Bool,
    _ take: (Event) -> Int32?
  ) async throws(EtcdError) -> Int32 {
    var watch = KeysWatch(
      key: NodeKey.cleaned(key),
      recursive: recursive,
      waitIndex: afterIndex == 0 || afterIndex == .max ? nil : EtcdIndex(afterIndex).next,
      stream: streaming
    )
    // A watch that is closed (a server that stops, a proxy that is tired of waiting) goes on after its last event.
    var registeredAt = EtcdIndex.zero
    while true {
      for await update in keys.updates(of: watch) {
        switch update {
        case .closed: break
        case .started(let etcdIndex, _, _): registeredAt = etcdIndex
        case .failed(let error): throw error
        case .event(let event):
          watch.waitIndex = event.node.modifiedIndex.next
          // The original shows the answer's X-Etcd-Index, which for a watch is the index it was registered at.
          var shown = event
          shown.etcdIndex = registeredAt
          if let code = take(shown) { return code }
        }
      }
      if Task.isCancelled { return KeyValueExit.done }
    }
  }

  /// Prints a change as `watch` does.
  private func print(_ event: Event, recursive: Bool, forever: Bool) -> Int32? {
    guard !event.node.isDirectory else { return nil }
    if recursive { output.line("[\(event.action.rawValue)] \(event.node.key)") }
    output.write(format.text(of: event))
    return forever ? nil : KeyValueExit.done
  }
}

extension CommandOutput {
  /// Prints an error as etcdctl does: the server's with its number, the client's own with a line for each endpoint.
  func reportFailure(_ error: EtcdError) {
    let isOwn = error.code == .raftInternal && error.cause.hasPrefix("client: ")
    reportFailure(isOwn ? error.cause : error.description)
  }

  /// Prints the text of an error as etcdctl does behind `Error:`.
  ///
  /// When no endpoint answered each one's reason is told twice, as the original does: in the sentence, and a line each.
  func reportFailure(_ message: String) {
    errorLine("Error:  \(Self.sentence(message))")
    let reasons = message.split(separator: "\n").dropFirst()
    if !reasons.isEmpty { errorLine(reasons.map { $0 + "\n" }.joined()) }
  }

  /// Prints the text of an error as etcdctl's commands on members and users do.
  func reportBare(_ message: String) {
    errorLine(Self.sentence(message))
  }

  private static func sentence(_ message: String) -> String {
    let lines = message.split(separator: "\n")
    guard lines.count > 1, let first = lines.first else { return message }
    return first + lines.dropFirst().map { "; \($0)\n" }.joined()
  }
}
