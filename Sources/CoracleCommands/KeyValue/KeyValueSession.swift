// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire
import Glibc

/// The exit codes of etcdctl, which `coracle kv` shares.
enum KeyValueExit {
  static let done: Int32 = 0
  static let badArguments: Int32 = 1
  static let badConnection: Int32 = 2
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
        try await watch(key, recursive: recursive, forever: forever, afterIndex: afterIndex)
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

  /// Prints events until one is enough; those on directories are skipped, as the original does.
  private func watch(_ key: String, recursive: Bool, forever: Bool, afterIndex: UInt64) async throws(EtcdError) {
    var watch = KeysWatch(
      key: NodeKey.cleaned(key),
      recursive: recursive,
      waitIndex: afterIndex == 0 ? nil : EtcdIndex(afterIndex).next,
      stream: true
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
          guard !event.node.isDirectory else { continue }
          if recursive { output.line("[\(event.action.rawValue)] \(event.node.key)") }
          var shown = event
          // The original shows the answer's X-Etcd-Index, which for a watch is the index it was registered at.
          shown.etcdIndex = registeredAt
          output.write(format.text(of: shown))
          if !forever { return }
        }
      }
      if Task.isCancelled { return }
    }
  }
}

extension CommandOutput {
  /// Prints an error as etcdctl does: the server's with its number, the client's own with a line for each endpoint.
  func reportFailure(_ error: EtcdError) {
    let isOwn = error.code == .raftInternal && error.cause.hasPrefix("client: ")
    reportFailure(isOwn ? error.cause : error.description)
  }

  /// Prints the text of an error as etcdctl does.
  func reportFailure(_ message: String) {
    errorLine("Error:  \(message)")
    if message.hasPrefix("client: etcd cluster is unavailable") { errorLine("") }
  }
}
