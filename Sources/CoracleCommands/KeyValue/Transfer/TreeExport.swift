// SPDX-License-Identifier: Apache-2.0
import EtcdStore
import EtcdWire

/// Writes a tree as lines, one directory at a time: memory holds one listing and the keys of directories, not the tree.
///
/// What changes meanwhile is exported as it is when its directory is read; a directory that has gone by then is left
/// out with all below it.
struct TreeExport {
  let keys: any KeysAPI
  let output: CommandOutput

  /// Exports what is at and below a key, and what is at and below hidden keys, which no listing shows.
  ///
  /// - Returns: The exit code.
  func run(_ key: String, hidden: [String]) async -> Int32 {
    var (fileCount, directoryCount) = (0, 0)
    do throws(EtcdError) {
      let first = try await keys.get(key, sorted: true, quorum: true)
      output.write(TreeLine.header(key: key, etcdIndex: first.event.etcdIndex.rawValue).text)
      try await export(first.event.node, &fileCount, &directoryCount)
      for key in hidden {
        let node = try await keys.get(key, sorted: true, quorum: true).event.node
        try await export(node, &fileCount, &directoryCount)
      }
    } catch {
      output.reportFailure(error)
      return KeyValueExit.serverError
    }
    output.write(TreeLine.end(keys: fileCount, directories: directoryCount).text)
    return KeyValueExit.done
  }

  private func export(
    _ start: NodeView,
    _ fileCount: inout Int,
    _ directoryCount: inout Int
  ) async throws(EtcdError) {
    guard start.isDirectory else {
      fileCount += 1
      return output.write(TreeLine(start).text)
    }
    if start.key != "", start.key != NodeKey.root {
      directoryCount += 1
      output.write(TreeLine(start).text)
    }
    // Directories whose listing is still to be read, the next one last.
    var pending = tell(start.nodes ?? [], &fileCount, &directoryCount)
    while let key = pending.popLast() {
      do throws(EtcdError) {
        let node = try await keys.get(key, sorted: true, quorum: true).event.node
        pending += tell(node.nodes ?? [], &fileCount, &directoryCount)
      } catch {
        guard error.code == .keyNotFound || error.code == .notDirectory else { throw error }
      }
    }
  }

  /// Writes the lines of a listing.
  ///
  /// - Returns: The keys of its directories, the first one last.
  private func tell(_ nodes: [NodeView], _ fileCount: inout Int, _ directoryCount: inout Int) -> [String] {
    var directories: [String] = []
    for node in nodes {
      output.write(TreeLine(node).text)
      if node.isDirectory {
        directoryCount += 1
        directories.append(node.key)
      } else {
        fileCount += 1
      }
    }
    return directories.reversed()
  }
}
