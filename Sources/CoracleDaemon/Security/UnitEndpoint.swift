// SPDX-License-Identifier: Apache-2.0
import CloudConfig

extension PreparedNode {
  /// What the units' own `etcdctl` and `fleetctl` lines need to reach this node.
  ///
  /// Units have no keys of the node's. When all client URLs want TLS they are told the control socket, which the users of
  /// its group may use; a remote store's files are named to them as they are.
  var unitEndpointVariables: [String: String] {
    let own = plan.etcd?.listenClientURLs ?? []
    let remote = plan.etcd == nil ? plan.fleet?.etcdServers ?? [] : []
    guard let first = own.first ?? remote.first else { return [:] }
    let plain = (own + remote).first { $0.scheme == .http }
    let address = plain?.text ?? (own.isEmpty ? first.text : "unix://\(socketPath)")
    var variables = [
      "ETCDCTL_ENDPOINTS": address, "CORACLE_ENDPOINT": address, "FLEETCTL_ENDPOINT": address,
      // etcd's own etcdctl, where a machine has one, speaks another API by default since 3.4.
      "ETCDCTL_API": "2",
    ]
    guard own.isEmpty, plain == nil, let files = plan.fleet?.storeSecurity else { return variables }
    let named = [
      ("CA_FILE", files.trustedAuthoritiesFile), ("CERT_FILE", files.certificateFile), ("KEY_FILE", files.keyFile),
    ]
    for (name, path) in named {
      for program in ["ETCDCTL", "CORACLE", "FLEETCTL"] { variables["\(program)_\(name)"] = path }
    }
    return variables
  }
}
