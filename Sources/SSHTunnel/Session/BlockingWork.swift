// SPDX-License-Identifier: Apache-2.0
import Threads

/// Does work that blocks on a thread of its own, and returns when it is done.
///
/// - Throws: ``SSHError`` when the system gives no thread.
func onThread(named name: String, _ work: @escaping @Sendable () -> Void) async throws(SSHError) {
  let refusal = await withCheckedContinuation { (continuation: CheckedContinuation<DedicatedThread.Refused?, Never>) in
    do throws(DedicatedThread.Refused) {
      try DedicatedThread.start(name: name) {
        work()
        continuation.resume(returning: nil)
      }
    } catch {
      continuation.resume(returning: error)
    }
  }
  if let refusal { throw SSHError(.local, refusal.description) }
}
