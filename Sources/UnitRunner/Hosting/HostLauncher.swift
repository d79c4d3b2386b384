// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc
import Threads
import Units

/// Connects to the unit-host of a state directory, and brings one into being where there is none.
struct HostLauncher {
  /// How long a new unit-host has before it must answer.
  static let startLimit = Duration.seconds(10)
  /// How long until one that does not answer is taken for lost, and another is begun; of two only the first stays.
  private static let relaunchPause = Duration.seconds(2)

  let configuration: UnitSupervisionConfiguration
  let executable: String

  /// A connection; blocks the thread until there is one.
  ///
  /// - Throws: ``UnitRunnerError/Code/host``.
  func connect() throws(UnitRunnerError) -> FrameConnection {
    if let connection = tryConnect() { return connection }
    try launch()
    let begin = timeSinceBoot()
    var relaunch = begin + Self.relaunchPause
    while timeSinceBoot() < begin + Self.startLimit {
      if let connection = tryConnect() { return connection }
      if timeSinceBoot() >= relaunch {
        try launch()
        relaunch += Self.relaunchPause
      }
      _ = poll(nil, 0, 2)
    }
    throw UnitRunnerError(
      .host,
      "the unit-host in \(configuration.stateDirectory) did not answer within \(Self.startLimit)"
    )
  }

  private func tryConnect() -> FrameConnection? {
    let descriptor = LocalSocket.connect(directory: configuration.stateDirectory, name: HostLoop.socketName)
    return descriptor < 0 ? nil : FrameConnection(descriptor: descriptor)
  }

  private func launch() throws(UnitRunnerError) {
    switch configuration.hostLaunch {
    case .process: try launchProcess()
    case .thread:
      unit_inherit_orphans()
      let settings = HostLoop.Settings(
        stateDirectory: configuration.stateDirectory,
        collectsOrphans: false,
        usesControlGroups: configuration.usesControlGroups,
        controlGroupRoot: configuration.controlGroupRoot,
        idleLimit: .seconds(2)
      )
      do throws(DedicatedThread.Refused) {
        try DedicatedThread.start(name: "unit-host") { HostLoop(settings)?.run() }
      } catch {
        throw UnitRunnerError(.host, "\(error)")
      }
    }
  }

  /// The process started here only makes the one that stays, and is over at once.
  private func launchProcess() throws(UnitRunnerError) {
    var words = ["coracle", "unit-host", "--state-dir", configuration.stateDirectory]
    if let root = configuration.controlGroupRoot { words += ["--cgroup-root", root] }
    if !configuration.usesControlGroups { words += ["--no-cgroups"] }
    var request = ProcessRequest(
      id: "",
      unit: "",
      source: "",
      program: executable,
      words: words,
      environment: ["PATH=\(EnvironmentComposition.defaultPath)"]
    )
    request.settings.umask = 0o077
    let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(input) }
    let result = ProcessSpawner.spawn(
      request,
      streams: ProcessStreams.Descriptors(input: input, output: 2, error: 2),
      entrances: [],
      openFilesLimit: OpenFilesLimit.initial
    )
    guard result.step == UNIT_SPAWN_DONE else {
      throw UnitRunnerError(.host, "cannot execute \(executable) as unit-host: \(errorText(result.error))")
    }
    close(result.pidfd)
    var status: Int32 = 0
    while waitpid(result.pid, &status, 0) < 0, errno == EINTR {}
  }
}
