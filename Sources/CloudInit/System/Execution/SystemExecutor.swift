// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Carries actions out, below the root of a tree.
///
/// Concurrency: all calls block; see ``OwnThread``.
struct SystemExecutor {
  let tree: FileTree
  let systemctl: SystemctlProgram?
  /// Variables of scripts.
  let environment: [String: String]
  let stop: ChildStop
  /// Told what programs say: which one, and the line.
  let said: @Sendable (String, String) -> Void

  /// Carries out one action.
  ///
  /// - Throws: ``FileTree/Failure`` with what could not be done.
  func carryOut(_ action: SystemAction) throws(FileTree.Failure) {
    switch action {
    case .writeFile(let file): try tree.write(file)
    case .makeDirectory(let path, let mode, let owner, let base):
      try tree.makeDirectory(path, mode: mode, owner: owner, base: base)
    case .makeLink(let path, let target, let owner): try tree.makeLink(path, target: target, owner: owner)
    case .removeFile(let path): try tree.remove(path)
    case .setHostname(let name):
      guard sethostname(name, name.utf8.count) == 0 else {
        throw FileTree.Failure("set the host name", number: errno)
      }
    case .systemctl(let words): try order(words)
    case .runScript(let path, let name): try runScript(path, name: name)
    }
  }

  private func order(_ words: [String]) throws(FileTree.Failure) {
    guard let systemctl else { throw FileTree.Failure("there is no systemctl on the PATH") }
    let name = "systemctl \(words.joined(separator: " "))"
    try check(try systemctl.run(words, stop) { said(name, $0) }, name)
  }

  private func runScript(_ path: String, name: String) throws(FileTree.Failure) {
    let run = ChildRun(program: path, words: [path], environment: ChildRun.variables(environment))
    try check(try run.run(stop) { said(name, $0) }, name)
  }

  private func check(_ end: ChildRun.End, _ name: String) throws(FileTree.Failure) {
    if end == .exited(0) { return }
    throw FileTree.Failure(stop.isAsked ? "\(name) was ended, because this program ends" : "\(name): \(end)")
  }
}
