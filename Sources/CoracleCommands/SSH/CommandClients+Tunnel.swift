// SPDX-License-Identifier: Apache-2.0
import APIClients
import SSHTunnel

extension TransportProxy {
  /// A session's proxy.
  init(_ proxy: SSHProxy) {
    self.init(host: proxy.host, port: proxy.port, token: proxy.token) { host, port in
      if let path = SSHProxy.socketPath(ofHost: host) { return proxy.failure(of: .unix(path: path)) }
      return proxy.failure(of: .tcp(host: host, port: port))
    }
  }
}

extension Endpoint {
  /// The endpoint as it is asked for through a session's proxy.
  var throughTunnel: Endpoint {
    guard let socketPath else { return self }
    return reached(asHost: SSHProxy.hostName(ofSocket: socketPath))
  }
}
