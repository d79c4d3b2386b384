// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Runs calls that block on a thread of their own, away from the few threads that all tasks share.
enum OwnThread {
  private final class Work {
    let body: () -> Void

    init(_ body: @escaping () -> Void) {
      self.body = body
    }
  }

  /// Runs `body` and waits for what it returns or throws.
  static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      let work = Work { continuation.resume(with: Result { try body() }) }
      let argument = Unmanaged.passRetained(work)
      var thread = pthread_t()
      let status = pthread_create(
        &thread,
        nil,
        { argument in
          guard let argument else { return nil }
          Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
          return nil
        },
        argument.toOpaque()
      )
      if status == 0 {
        pthread_detach(thread)
      } else {
        argument.release()
        continuation.resume(throwing: DurableFile.Failure(call: "start thread", path: "", number: status))
      }
    }
  }
}
