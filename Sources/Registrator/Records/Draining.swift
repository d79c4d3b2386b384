// SPDX-License-Identifier: Apache-2.0
import DockerEngine
import Units

/// What is about to stop, whose records go first so that nobody is sent there any more.
///
/// Time is what has passed since the registrator began.
struct Draining: Sendable, Equatable {
  private struct Run: Equatable {
    var startedAt: String
    var until: Duration
  }

  /// Beyond a container's own time to stop: who is still there after that has not taken the signal as an order.
  static let grace = Duration.seconds(20)
  private static let usualStopTimeoutSeconds: Int64 = 10

  private var runs: [ContainerID: Run] = [:]
  private var units: Set<String> = []

  /// Whether nothing is draining.
  var isEmpty: Bool { runs.isEmpty && units.isEmpty }

  /// A signal was sent to a container: if it is one that ends services, the container drains.
  mutating func signalled(_ container: ContainerDetails, _ signal: String, at now: Duration) {
    let own = container.stopSignal.flatMap { UnixSignal($0) }
    let ending: Set = [UnixSignal.terminate, .kill, UnixSignal(number: 3)]
    guard let sent = UnixSignal(signal), ending.contains(sent) || sent == own else { return }
    let timeout = container.stopTimeoutSeconds.map { max(0, $0) } ?? Self.usualStopTimeoutSeconds
    runs[container.id] = Run(
      startedAt: container.containerState.startedAt,
      until: now + .seconds(min(timeout, 3600)) + Self.grace
    )
  }

  /// A unit is about to be stopped.
  mutating func begin(unit: String) { units.insert(unit) }

  /// A unit is not stopped after all, or is started again.
  mutating func end(unit: String) { units.remove(unit) }

  /// Forgets what has stopped, was started again or outlived its time.
  ///
  /// - Parameters:
  ///   - now: The time.
  ///   - containers: What runs.
  ///   - known: The units of the machine; nil when they are not known.
  mutating func update(at now: Duration, containers: [ContainerDetails], units known: [RegistrableUnit]?) {
    guard !isEmpty else { return }
    let started = Dictionary(containers.map { ($0.id, $0.containerState.startedAt) }) { first, _ in first }
    runs = runs.filter { started[$0.key] == $0.value.startedAt && now < $0.value.until }
    if let known { units.formIntersection(known.filter { !$0.isDown }.map(\.name)) }
  }

  /// Whether a container's records are withheld.
  func withholds(_ container: ContainerDetails) -> Bool {
    runs[container.id] != nil || (container.labels[ContainerLabel.unit].map(units.contains) ?? false)
  }

  /// Whether a unit's records are withheld.
  func withholds(unit: String) -> Bool { units.contains(unit) }
}
