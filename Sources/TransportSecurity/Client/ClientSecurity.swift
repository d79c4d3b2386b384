// SPDX-License-Identifier: Apache-2.0
public import Logging
public import NIOCore
import NIOPosix
public import NIOSSL
import Synchronization

/// The TLS of outgoing connections: whom they trust, and the certificate they show when they are asked for one.
///
/// Concurrency: all calls may be made from any thread.
public final class ClientSecurity: Sendable {
  private final class Product: Sendable {
    let configuration: TLSConfiguration
    private let made = Mutex<NIOSSLContext?>(nil)

    init(_ configuration: TLSConfiguration) {
      self.configuration = configuration
    }

    /// The context, made when it is first asked for, which blocks: all authorities of the system may have to be read.
    func context() throws -> NIOSSLContext {
      try made.withLock { made in
        if let made { return made }
        let context = try NIOSSLContext(configuration: configuration)
        made = context
        return context
      }
    }
  }

  /// The files that the connections are made with.
  public let files: SecurityFiles
  private let products: FollowedFiles<Product>

  /// Reads the files; blocks.
  ///
  /// - Parameters:
  ///   - files: The files; without any the system's authorities are trusted and no certificate is shown.
  ///   - logger: Told of new certificates.
  /// - Throws: ``SecurityError``.
  public init(files: SecurityFiles, logger: Logger) throws(SecurityError) {
    self.files = files
    products = try FollowedFiles(files, logger: logger) { (material) throws(SecurityError) in
      Product(Self.configuration(material, files))
    }
  }

  /// The settings of those who have no files: the system's authorities are trusted and no certificate is shown.
  public static var ofTheSystem: TLSConfiguration {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.applySharedSettings()
    return configuration
  }

  /// Whether there is a certificate to show.
  public var hasCertificate: Bool { files.certificate != nil }

  /// The settings for a library that makes its own connections; files that have changed are read again within a second.
  public func configuration() async -> TLSConfiguration {
    guard products.isDue else { return products.current.configuration }
    let looked = try? await NIOThreadPool.singleton.runIfActive { self.products.look() }
    return (looked ?? products.current).configuration
  }

  /// Puts TLS before everything else in the pipeline of a connection that is being made.
  ///
  /// - Parameters:
  ///   - channel: The connection, on which nothing has been sent.
  ///   - host: The name or address that is dialled, which the server's certificate has to bear.
  /// - Returns: Done when more handlers may be added.
  public func secure(_ channel: any Channel, host: String) -> EventLoopFuture<Void> {
    let looked = NIOThreadPool.singleton.runIfActive(eventLoop: channel.eventLoop) { [products] in
      try products.look().context()
    }
    return looked.flatMapThrowing { context in
      // An address is no name to ask a server for; the certificate is then compared with the address itself.
      let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
      let handler = try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
      try channel.pipeline.syncOperations.addHandler(handler)
    }
  }

  private static func configuration(_ material: SecurityMaterial, _ files: SecurityFiles) -> TLSConfiguration {
    var configuration = ofTheSystem
    if let authorities = material.authorities {
      if files.trustsSystemToo {
        configuration.additionalTrustRoots = [.certificates(authorities)]
      } else {
        configuration.trustRoots = .certificates(authorities)
      }
    }
    if let key = material.key {
      configuration.certificateChain = material.chain.map { .certificate($0) }
      configuration.privateKey = .privateKey(key)
    }
    return configuration
  }
}
