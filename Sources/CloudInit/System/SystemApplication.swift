// SPDX-License-Identifier: Apache-2.0
public import CloudConfig
import Glibc

/// A cloud-config that is carried out on this computer, or in a tree of files below a directory.
///
/// Each step that changes something is reported by itself; what is as wanted already is left alone. A step that fails
/// keeps what needs it from being carried out, and nothing else.
public struct SystemApplication: Sendable {
  /// Where a cloud-config is carried out.
  public struct Place: Sendable {
    /// The directory that stands for `/`.
    public var root: String
    /// Where the node keeps what it has, for scripts.
    public var dataDirectory: String
    /// Variables of this process, for the way to `systemctl`.
    public var environment: [String: String]
    /// Variables of scripts, beside `PATH`, `HOME` and `LANG`.
    public var scriptVariables: [String: String]

    /// Makes a place.
    public init(
      root: String = "/",
      dataDirectory: String,
      environment: [String: String] = [:],
      scriptVariables: [String: String] = [:]
    ) {
      self.root = root
      self.dataDirectory = dataDirectory
      self.environment = environment
      self.scriptVariables = scriptVariables
    }
  }

  /// What happened, as it happens.
  public enum Event: Sendable, Equatable {
    /// A step was carried out.
    case done(step: String)
    /// A step could not be carried out.
    case failed(step: String, reason: String)
    /// A step has no place here.
    case leftOut(step: String, reason: String)
    /// A script or command said something.
    case said(name: String, line: String)
  }

  /// Everything that is to be done, in its order.
  public let steps: [SystemStep]
  /// How many steps have changed something.
  public private(set) var changes = 0
  /// How many steps have failed.
  public private(set) var failures = 0

  private let place: Place
  private var failed: Set<Int> = []
  private var lock: PasswordLock?

  /// Looks at the computer and decides what is to be done.
  ///
  /// - Parameters:
  ///   - plan: What the cloud-config asks for.
  ///   - place: Where it is carried out.
  ///   - changes: Whether it will be; nothing is touched otherwise.
  /// - Throws: ``CloudInitError`` when nothing can be changed there.
  public init(_ plan: BootPlan, at place: Place, changes: Bool) async throws {
    var place = place
    place.root = try Self.realPath(place.root)
    if place.root == "/", changes, geteuid() != 0 {
      throw CloudInitError(
        .configuration,
        "changing this computer needs root; run it as root, or change a tree of files with --root DIR"
      )
    }
    let touchesUsers = changes && !(plan.system.users.isEmpty && plan.system.sshAuthorizedKeys.isEmpty)
    let here = place
    (steps, lock) = try await OwnThread.run {
      let computer = ThisComputer(root: here.root, environment: here.environment)
      // Nobody else changes users between the look and the change.
      let lock = touchesUsers ? try PasswordLock.take(in: computer.tree) : nil
      return (SystemPlanner.steps(for: plan, on: computer, dataDirectory: here.dataDirectory), lock)
    }
    self.place = place
  }

  /// Whether there is anything to carry out in a phase.
  public func hasWork(_ phase: SystemStep.Phase) -> Bool {
    steps.contains { $0.phase == phase && $0.decision != .keep }
  }

  /// Whether files are given to their owners; only root can.
  public static var setsOwners: Bool { geteuid() == 0 }

  /// Carries out the steps of a phase, in their order.
  ///
  /// - Parameters:
  ///   - phase: Which steps.
  ///   - stop: Ends what runs; no step is begun after that.
  ///   - report: Told what happens, on a thread of its own.
  /// - Throws: When the system gives no thread.
  public mutating func carryOut(
    _ phase: SystemStep.Phase,
    stop: ChildStop,
    report: @escaping @Sendable (Event) -> Void
  ) async throws {
    let (steps, place, before) = (steps, place, failed)
    let result = try await OwnThread.run {
      Self.carryOut(phase, of: steps, failed: before, at: place, stop: stop, report: report)
    }
    failed = result.failed
    failures = failed.count
    changes += result.changes
    lock = nil
  }

  private static func carryOut(
    _ phase: SystemStep.Phase,
    of steps: [SystemStep],
    failed before: Set<Int>,
    at place: Place,
    stop: ChildStop,
    report: @escaping @Sendable (Event) -> Void
  ) -> (failed: Set<Int>, changes: Int) {
    let computer = ThisComputer(root: place.root, environment: place.environment)
    let executor = SystemExecutor(
      tree: computer.tree,
      systemctl: computer.systemctl,
      environment: place.scriptVariables,
      stop: stop,
      said: { report(.said(name: $0, line: $1)) }
    )
    var (failed, changes) = (before, 0)
    for (index, step) in steps.enumerated() where step.phase == phase {
      if stop.isAsked { break }
      switch step.decision {
      case .keep: continue
      case .leaveOut(let reason): report(.leftOut(step: step.title, reason: reason))
      case .refuse(let reason):
        failed.insert(index)
        report(.failed(step: step.title, reason: reason))
      case .change(let actions):
        do throws(FileTree.Failure) {
          if let missing = step.needs.first(where: failed.contains) {
            throw FileTree.Failure("it needs what failed before: \(steps[missing].title)")
          }
          for action in actions { try executor.carryOut(action) }
          changes += 1
          report(.done(step: step.title))
        } catch {
          failed.insert(index)
          report(.failed(step: step.title, reason: error.description))
        }
      }
    }
    return (failed, changes)
  }

  private static func realPath(_ given: String) throws -> String {
    guard let real = realpath(given, nil) else {
      throw CloudInitError(.configuration, "cannot use the root \(given): \(String(cString: strerror(errno)))")
    }
    defer { free(real) }
    var status = stat()
    guard stat(real, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw CloudInitError(.configuration, "the root \(given) is no directory")
    }
    return String(cString: real)
  }
}
