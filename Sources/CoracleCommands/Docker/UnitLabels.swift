// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import UnitRunner

/// The labels of containers that a shell line of a unit makes, by which they are found when the unit is gone.
enum UnitLabels {
  /// Flags before the verb that have their value in the next word.
  private static let valueFlags: Set<String> = [
    "-H", "--host", "-c", "--context", "--config", "-l", "--log-level", "--tlscacert", "--tlscert", "--tlskey",
  ]

  /// What containers are labelled with.
  ///
  /// - Parameters:
  ///   - line: The command line as far as it is understood; a container that lasts as long as the command is labelled so.
  ///   - environment: The caller's variables.
  ///   - processID: The process that carries the command out.
  /// - Returns: The labels; none outside of units.
  static func labels(
    for line: DockerCommandLine?,
    environment: [String: String],
    processID: Int32
  ) -> [String: String] {
    guard let unit = environment[UnitVariable.unit], let machine = environment[UnitVariable.machine] else { return [:] }
    var labels = [ContainerLabel.machine: machine, ContainerLabel.unit: unit]
    guard case .run(let specification) = line?.command, !specification.isDetached,
      let invocation = environment[UnitVariable.invocation]
    else { return labels }
    labels[ContainerLabel.command] = ContainerLabel.shellKey(
      unit: unit,
      invocation: invocation,
      processID: processID
    )
    if specification.removesOnExit { labels[ContainerLabel.removes] = "true" }
    return labels
  }

  /// The words of a command line for an installed docker program, with labels where it makes a container.
  static func words(_ words: [String], with labels: [String: String]) -> [String] {
    var index = 0
    while index < words.count, words[index].hasPrefix("-") { index += valueFlags.contains(words[index]) ? 2 : 1 }
    if index < words.count, words[index] == "container" { index += 1 }
    guard index < words.count, ["run", "create"].contains(words[index]) else { return words }
    let flags = labels.sorted { $0.key < $1.key }.flatMap { ["--label", "\($0.key)=\($0.value)"] }
    return Array(words[...index]) + flags + words[(index + 1)...]
  }
}
