// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A thread of its own for work that blocks (fsync) and must not sit on the cooperative pool or an event loop.
enum DedicatedThread {
  /// Carries the work over to the new thread.
  private final class Start {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts a detached thread; `name` has at most 15 bytes, as Linux wants it.
  static func start(name: String, _ body: @escaping @Sendable () -> Void) throws(EtcdServerError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    let start = Unmanaged.passRetained(Start(name: name, body: body))
    let code = pthread_create(&thread, &attributes, { Self.run($0) }, start.toOpaque())
    guard code == 0 else {
      start.release()
      throw EtcdServerError(.system, "cannot start the thread \(name): \(String(cString: strerror(code)))")
    }
  }

  private static func run(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
    setName(start.name)
    start.body()
    return nil
  }

  /// Names the calling thread, for debuggers and `top`; it does not matter when that fails.
  private static func setName(_ name: String) {
    let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = write(descriptor, name, name.utf8.count)
    close(descriptor)
  }
}
