// SPDX-License-Identifier: Apache-2.0
public import Logging
public import NIOCore
import NIOPosix
import NIOSSL

/// The TLS of a listener: its certificate, and whom it lets in.
///
/// The files are looked at for each connection, so that new ones are served from the next connection on.
///
/// Source: etcd v3.4.23 `pkg/transport/listener.go`; specs/etcd-v2.md §14.
///
/// Concurrency: all calls may be made from any thread.
public final class ServerSecurity: Sendable {
  /// How long a client may take from connecting to the end of the handshake.
  public static let handshakeTimeout = TimeAmount.seconds(10)

  private let contexts: FollowedFiles<NIOSSLContext>
  private let refusals: RefusalLog
  private let timeout: TimeAmount

  /// Reads the files; blocks.
  ///
  /// - Parameters:
  ///   - files: At least a certificate and its key.
  ///   - handshakeTimeout: How long the handshake of one connection may take.
  ///   - logger: Told of new certificates, and of clients that are refused.
  /// - Throws: ``SecurityError``.
  public init(
    files: SecurityFiles,
    handshakeTimeout: TimeAmount = ServerSecurity.handshakeTimeout,
    logger: Logger
  ) throws(SecurityError) {
    guard files.certificate != nil || files.key != nil else {
      throw SecurityError(
        .incomplete,
        "an https address to listen on needs \(files.names.certificate) and \(files.names.key)"
      )
    }
    contexts = try FollowedFiles(files, logger: logger) { (material) throws(SecurityError) in
      try Self.context(material, files)
    }
    refusals = RefusalLog(logger: logger)
    timeout = handshakeTimeout
  }

  /// Puts TLS before everything else in the pipeline of a new connection; what comes later is added behind it.
  public func secure(_ channel: any Channel) -> EventLoopFuture<Void> {
    let looked = NIOThreadPool.singleton.runIfActive(eventLoop: channel.eventLoop) { [contexts] in contexts.look() }
    return looked.flatMapThrowing { [timeout, refusals] context in
      let pipeline = channel.pipeline.syncOperations
      try pipeline.addHandler(PlainRequestHandler())
      try pipeline.addHandler(NIOSSLServerHandler(context: context))
      try pipeline.addHandler(HandshakeWatch(timeout: timeout, refusals: refusals))
    }
  }

  private static func context(_ material: SecurityMaterial, _ files: SecurityFiles) throws(SecurityError)
    -> NIOSSLContext
  {
    guard let key = material.key else {
      throw SecurityError(.incomplete, "\(files.names.certificate) names no file")
    }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: material.chain.map { .certificate($0) },
      privateKey: .privateKey(key)
    )
    configuration.applySharedSettings()
    if files.admitsOnlyCertificates {
      configuration.certificateVerification = .noHostnameVerification
      configuration.trustRoots = material.authorities.map { .certificates($0) } ?? .default
      configuration.sendCANameList = material.authorities != nil
    }
    do {
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw SecurityError(.malformed, "\(files.names.certificate): the files cannot be used for TLS: \(error)")
    }
  }
}

extension TLSConfiguration {
  /// What servers and clients have in common.
  mutating func applySharedSettings() {
    minimumTLSVersion = .tlsv12
    applicationProtocols = ["http/1.1"]
    // A peer that does not answer the farewell holds nothing up for long.
    shutdownTimeout = .seconds(1)
  }
}
