// SPDX-License-Identifier: Apache-2.0
import Logging
import NIOCore
import Synchronization

/// Something made of files that is made anew when they change; bad new files leave what there was in use.
///
/// Concurrency: any thread may ask; ``look()`` blocks, so event loops call it on a thread pool.
final class FollowedFiles<Product: Sendable>: Sendable {
  private struct State {
    var product: Product
    /// The files that `product` is made of.
    var stamps: [FileStamp?]
    /// Files that were found bad, which is told once.
    var refused: [FileStamp?]?
    var nextLook: NIODeadline
  }

  /// Asked for the product by those that make many short requests over one connection.
  private static var interval: TimeAmount { .seconds(1) }

  private let files: SecurityFiles
  private let logger: Logger
  private let make: @Sendable (SecurityMaterial) throws(SecurityError) -> Product
  private let state: Mutex<State>

  /// Reads the files for the first time; blocks.
  init(
    _ files: SecurityFiles,
    logger: Logger,
    make: @escaping @Sendable (SecurityMaterial) throws(SecurityError) -> Product
  ) throws(SecurityError) {
    self.files = files
    self.logger = logger
    self.make = make
    let stamps = files.paths.map { FileStamp($0) }
    let material = try SecurityMaterial(reading: files)
    let product = try make(material)
    state = Mutex(State(product: product, stamps: stamps, nextLook: .now() + Self.interval))
    warnIfShort(material)
  }

  /// What was made last, without a look at the files.
  var current: Product { state.withLock { $0.product } }

  /// Whether the files should be looked at again; true once for each interval.
  var isDue: Bool {
    guard !files.isEmpty else { return false }
    let now = NIODeadline.now()
    return state.withLock { state in
      guard state.nextLook <= now else { return false }
      state.nextLook = now + Self.interval
      return true
    }
  }

  /// Looks at the files, and makes the product anew when they have changed.
  func look() -> Product {
    // Looked at before they are read: a change in between is found the next time.
    let stamps = files.paths.map { FileStamp($0) }
    let (product, isKnown) = state.withLock { ($0.product, $0.stamps == stamps || $0.refused == stamps) }
    if isKnown { return product }
    do throws(SecurityError) {
      let material = try SecurityMaterial(reading: files)
      let product = try make(material)
      state.withLock { state in
        state.product = product
        state.stamps = stamps
        state.refused = nil
      }
      logger.notice("certificates reread", metadata: ["tls.setting": "\(files.names.certificate)"])
      warnIfShort(material)
      return product
    } catch {
      let isNew = state.withLock { state in
        defer { state.refused = stamps }
        return state.refused != stamps
      }
      if isNew {
        logger.warning("new certificates cannot be used; the old ones stay", metadata: ["error": "\(error)"])
      }
      return product
    }
  }

  private func warnIfShort(_ material: SecurityMaterial) {
    guard let end = material.endSeconds, end - SecurityMaterial.nowSeconds < Self.noticeSeconds else { return }
    logger.warning(
      "certificate expires soon",
      metadata: ["tls.setting": "\(files.names.certificate)", "tls.expires": "\(CalendarTime.text(end))"]
    )
  }

  /// Two weeks.
  private static var noticeSeconds: Int { 14 * 86_400 }
}
