// SPDX-License-Identifier: Apache-2.0
public import Logging
public import Units

/// Runs the units of this machine and looks after them.
///
/// Units survive this object and its process: processes belong to the unit-host, a second process of the same
/// executable, and containers to their engine. A new object on the same state directory takes them over as they are.
///
/// Concurrency: one dedicated thread decides; every call is handed to it and may come from any task.
public final class UnitSupervision: Sendable {
  /// Settings.
  public let configuration: UnitSupervisionConfiguration

  /// Makes a supervision; nothing happens before ``run()``.
  ///
  /// - Parameters:
  ///   - configuration: Settings.
  ///   - containers: Carries out Exec lines that call docker; nil runs them as processes, as any other program.
  ///   - logger: Where problems are told.
  public init(
    configuration: UnitSupervisionConfiguration,
    containers: (any ContainerCommandRunning)?,
    logger: Logger
  ) {
    self.configuration = configuration
  }

  /// Takes over what runs, then supervises until the task is cancelled; units keep running after that.
  ///
  /// - Throws: ``UnitRunnerError`` when the state directory or the unit-host cannot be used.
  public func run() async throws(UnitRunnerError) {}

  /// Returns once what an earlier process left behind has been taken over; calls made before that wait for it too.
  ///
  /// - Throws: ``UnitRunnerError`` when ``run()`` failed or ended before that.
  public func waitUntilReady() async throws(UnitRunnerError) {}

  /// Makes units known, all of them before any is started; one that is there with the same hash is left alone, and
  /// one with another hash is stopped first.
  ///
  /// - Returns: Why units could not be loaded, by name; empty when all were.
  public func load(_ units: [UnitToRun]) async -> [UnitName: String] { [:] }

  /// Stops a unit, waits for its end (`ExecStopPost=` included) and forgets it; an unknown unit is no error.
  ///
  /// - Throws: ``UnitRunnerError`` when it could not be stopped; the unit then stays loaded.
  public func unload(_ name: UnitName) async throws(UnitRunnerError) {}

  /// Asks for a start, of what the unit requires and wants too, and returns without waiting for it.
  ///
  /// - Throws: ``UnitRunnerError`` when the unit is not loaded or can never start, such as for a missing requirement.
  public func start(_ name: UnitName) async throws(UnitRunnerError) {}

  /// Asks for a stop, of what requires the unit too, and returns without waiting for it.
  ///
  /// - Throws: ``UnitRunnerError`` when the unit is not loaded.
  public func stop(_ name: UnitName) async throws(UnitRunnerError) {}

  /// Stops every unit and returns when all have stopped; they stay loaded.
  public func stopAll() async {}

  /// Every loaded unit, by name.
  public func units() async -> [LoadedUnit] { [] }

  /// Each change of a unit from now on; bounded, the newest are kept when the reader is slow.
  public func changes() -> AsyncStream<LoadedUnitChange> { AsyncStream { $0.finish() } }

  /// What `unit status` shows of a unit; nil when it is not loaded.
  ///
  /// - Parameters:
  ///   - name: The unit.
  ///   - lines: How many lines of output to add.
  public func status(of name: UnitName, lines: Int = 10) async -> UnitStatus? { nil }

  /// The last lines of a unit's output, oldest first, and with `follow` every later one.
  ///
  /// The output of a unit that was unloaded can be read until other units' output has replaced it.
  public func journal(of name: UnitName, lines: Int, follow: Bool) -> JournalLines {
    JournalLines()
  }
}
