// SPDX-License-Identifier: Apache-2.0
import Glibc
public import Logging

/// Looks for user-data at the datasources of a machine, until one is there.
///
/// Concurrency: ``find(_:)`` may wait for as long as ``DatasourceTimes`` say; cancel its task to give up.
/// Source: coreos-cloudinit `coreos-cloudinit.go` `selectDatasource`; specs/cloud-config.md §7. Differs: datasources are
/// asked in an order, not all at once, so that two boots do not differ.
public struct DatasourceSearch: Sendable {
  /// The machine's files.
  public var files: MachineFiles
  /// The way to servers.
  public var web: WebPort
  /// The way to programs.
  public var programs: ProgramPort
  /// How long is waited.
  public var times: DatasourceTimes
  /// Where waiting is told; nil tells nothing.
  public var logger: Logger?

  /// How a search ends.
  public enum Outcome: Sendable, Equatable {
    /// This one was there first.
    case found(FoundUserData)
    /// None was there; a line for each one that was asked by its name or may come later, without those that are just not there.
    case nothing(reasons: [String])
  }

  /// Makes a search.
  public init(
    files: MachineFiles = MachineFiles(),
    web: @escaping WebPort,
    programs: @escaping ProgramPort = { await ShortProgram.output($0) },
    times: DatasourceTimes = DatasourceTimes(),
    logger: Logger? = nil
  ) {
    self.files = files
    self.web = web
    self.programs = programs
    self.times = times
    self.logger = logger
  }

  /// Looks until a datasource is there or none can be any more.
  ///
  /// - Throws: ``CloudInitError`` when one that was named, or a file, is there and of no use; `CancellationError`.
  public func find(_ choice: DatasourceChoice) async throws -> Outcome {
    switch choice {
    case .listed(let sources):
      return try await poll(sources.map { DatasourceCandidate(named: $0, times) }, areNamed: true)
    case .automatic:
      return try await poll(await DatasourceHints.read(files).candidates(times), areNamed: false)
    }
  }

  // MARK: Waiting

  private func poll(_ candidates: [DatasourceCandidate], areNamed: Bool) async throws -> Outcome {
    let start = ContinuousClock.now
    var wait = times.firstPoll
    while true {
      var reasons: [String] = []
      var isAwaiting = false
      for candidate in candidates {
        let isPatient = candidate.patience > ContinuousClock.now - start
        switch try await read(candidate, until: start + candidate.patience) {
        case .found(let found): return .found(found)
        case .absent(let reason):
          if areNamed { reasons.append("\(candidate.source.text): \(reason)") }
        case .notYet(let reason):
          isAwaiting = isAwaiting || isPatient
          if areNamed || candidate.patience > .zero {
            reasons.append("\(candidate.source.text): \(reason)")
          }
        case .broken(let reason):
          guard !areNamed, !candidate.source.isFile else {
            throw CloudInitError(.userData, "cannot use the datasource \(candidate.source.text): \(reason)")
          }
          reasons.append("\(candidate.source.text): \(reason)")
        }
      }
      guard isAwaiting else { return .nothing(reasons: reasons) }
      logger?.notice(
        "no datasource is there yet; looking again",
        metadata: ["datasource.missing": "\(reasons.joined(separator: "; "))", "datasource.wait": "\(wait)"]
      )
      try await Task.sleep(for: wait)
      wait = min(wait * 2, times.longestPoll)
    }
  }

  /// One look, which a server that hangs cannot make longer than the candidate's patience and the time of one request.
  private func read(_ candidate: DatasourceCandidate, until end: ContinuousClock.Instant) async throws
    -> DatasourceReading
  {
    let grace = times.requestGrace
    let source = candidate.source
    if source.isFile { return try await look(at: source) }
    return try await withThrowingTaskGroup(of: DatasourceReading.self) { group in
      group.addTask { try await look(at: source) }
      group.addTask {
        try await Task.sleep(until: end + grace, clock: .continuous)
        return .notYet("it does not answer in time")
      }
      defer { group.cancelAll() }
      return try await group.next() ?? .notYet("nobody was asked")
    }
  }

  // MARK: One look

  /// Looks once; what goes wrong becomes part of the answer.
  func look(at source: Datasource) async throws -> DatasourceReading {
    do {
      return try await reading(of: source)
    } catch let error as CancellationError {
      throw error
    } catch let failure as WebFailure {
      return failure.isWorthAnotherTry ? .notYet(failure.description) : .broken(failure.description)
    } catch let failure as DurableFile.Failure where failure.number == EACCES && !source.isFile {
      return .absent("\(failure) (it takes root)")
    } catch let failure as DurableFile.Failure where failure.number == EPERM && !source.isFile {
      return .broken("\(failure) (it takes root)")
    } catch {
      return .broken("\(error)")
    }
  }

  private func reading(of source: Datasource) async throws -> DatasourceReading {
    switch source {
    case .file(let path): try await file(path)
    case .usualFiles: try await usualFiles()
    case .url(let url): try await document(url, of: source)
    case .configDrive(let directory): try await configDrive(directory, of: source)
    case .noCloud(let seed): try await noCloud(seed, of: source)
    case .firmwareConfiguration: try await firmwareConfiguration()
    case .smbios: try await smbios()
    case .kernelCommandLine: try await kernelCommandLine()
    case .ec2(let base): try await EC2Service(documents, base: base).read(as: source)
    case .gce(let base): try await GCEService(documents, base: base).read(as: source)
    case .digitalOcean(let base): try await digitalOcean(base, of: source)
    case .openStack(let base): try await openStack(base, of: source)
    case .vmware: try await vmware()
    }
  }

  var documents: WebDocuments { WebDocuments(port: web, times: times) }
}
