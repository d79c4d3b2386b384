// SPDX-License-Identifier: Apache-2.0
import CUnitSpawn
import Glibc
import Units

/// Starts one process.
enum ProcessSpawner {
  static func spawn(
    _ request: ProcessRequest,
    output: Int32,
    entrances: [String],
    openFilesLimit: UInt
  ) -> unit_spawn_result {
    let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(input) }
    let groups = request.identity?.groups ?? []
    let entranceCount = entrances.count
    return withCStrings(request.words) { words in
      withCStrings(request.environment) { environment in
        withCStrings(entrances) { entrances in
          withCStrings([request.program] + (request.directory.map { [$0] } ?? [])) { paths in
            groups.withUnsafeBufferPointer { groups in
              var spawn = unit_spawn_request()
              spawn.path = UnsafePointer(paths[0])
              spawn.argv = UnsafePointer(words)
              spawn.envp = UnsafePointer(environment)
              spawn.directory = paths[1].map { UnsafePointer($0) }
              spawn.directory_optional = request.isDirectoryOptional ? 1 : 0
              spawn.changes_user = request.identity == nil ? 0 : 1
              spawn.uid = request.identity?.userID ?? 0
              spawn.gid = request.identity?.groupID ?? 0
              spawn.groups = groups.baseAddress
              spawn.group_count = groups.count
              spawn.umask = request.umask
              spawn.open_files_limit = openFilesLimit
              spawn.stdin_fd = input
              spawn.stdout_fd = output
              spawn.stderr_fd = output
              return entrances.withMemoryRebound(to: UnsafePointer<CChar>?.self, capacity: entranceCount + 1) {
                spawn.cgroup_procs = UnsafePointer($0)
                return unit_spawn(&spawn)
              }
            }
          }
        }
      }
    }
  }

  /// A child's end as waitid(2) tells it.
  static func end(code: Int32, status: Int32) -> ProcessEnd {
    code == CLD_EXITED
      ? .exited(status) : .signaled(UnixSignal(number: status), dumpedCore: code == CLD_DUMPED)
  }

  /// Hands over strings as a C array that ends in NULL.
  private static func withCStrings<Result>(
    _ strings: [String],
    _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    let array = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
    for (index, string) in strings.enumerated() { (array + index).initialize(to: strdup(string)) }
    (array + strings.count).initialize(to: nil)
    defer {
      for index in strings.indices { free(array[index]) }
      array.deallocate()
    }
    return body(array)
  }
}

/// The pipe a process writes its output to.
///
/// The process gets an end that can be read as well. So the pipe outlives the unit-host: the process is not killed for
/// writing to a pipe without a reader, and the next unit-host opens the pipe again.
struct OutputPipe {
  /// What we read, without blocking.
  let ourEnd: Int32
  /// What the process writes to.
  let childEnd: Int32

  /// Makes a pipe; nil with errno when the kernel gives none.
  init?() {
    var ends: [Int32] = [-1, -1]
    guard unit_pipe(&ends) == 0 else { return nil }
    makeNonBlocking(ends[0])
    ourEnd = ends[0]
    let both = open("/proc/self/fd/\(ends[1])", O_RDWR | O_CLOEXEC)
    if both >= 0 {
      close(ends[1])
      childEnd = both
    } else {
      childEnd = ends[1]
    }
  }

  /// Opens the pipe again that a running process writes to; nil when it writes to something else.
  static func reopen(outputOf processID: Int32) -> Int32? {
    let descriptor = open("/proc/\(processID)/fd/1", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else {
      close(descriptor)
      return nil
    }
    return descriptor
  }
}
