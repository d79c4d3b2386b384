// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A thread of its own for work that blocks (a disk, a socket) and must sit neither on the cooperative pool nor on an
/// event loop.
public enum DedicatedThread {
  /// The system gives no thread.
  public struct Refused: Error, CustomStringConvertible {
    /// One line: which thread, and why.
    public let description: String
  }

  /// Carries the work over to the new thread.
  private final class Start {
    let name: String
    let niceness: CInt
    let body: @Sendable () -> Void

    init(name: String, niceness: CInt, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.niceness = niceness
      self.body = body
    }
  }

  /// Starts a detached thread.
  ///
  /// - Parameters:
  ///   - name: What debuggers and `top` show; at most 15 bytes, as Linux wants it.
  ///   - niceness: How much less urgent it is than its process; on Linux that is the thread's alone.
  ///   - body: What it does.
  /// - Throws: ``Refused`` when the system gives no thread; `body` is not called then.
  public static func start(
    name: String,
    niceness: CInt = 0,
    _ body: @escaping @Sendable () -> Void
  ) throws(Refused) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    let start = Unmanaged.passRetained(Start(name: name, niceness: niceness, body: body))
    let code = pthread_create(&thread, &attributes, { Self.run($0) }, start.toOpaque())
    guard code == 0 else {
      start.release()
      throw Refused(description: "cannot start the thread \(name): \(String(cString: strerror(code)))")
    }
  }

  private static func run(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
    // It does not matter when the system refuses either.
    if start.niceness != 0 { _ = nice(start.niceness) }
    setName(start.name)
    start.body()
    return nil
  }

  /// Names the calling thread.
  private static func setName(_ name: String) {
    let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = write(descriptor, name, name.utf8.count)
    close(descriptor)
  }
}
