// SPDX-License-Identifier: Apache-2.0

/// What `etcdctl help` prints.
enum EtcdctlHelp {
  static let text = """
    NAME:
       etcdctl - A simple command line client for etcd.

    USAGE:
       etcdctl [global options] command [command options] [arguments...]

    COMMANDS:
       cluster-health  check the health of the etcd cluster
       mk              make a new key with a given value
       mkdir           make a new directory
       rm              remove a key or a directory
       rmdir           removes the key if it is an empty directory or a key-value pair
       get             retrieve the value of a key
       ls              retrieve a directory
       set             set the value of a key
       setdir          create a new directory or replace a key by one
       update          update an existing key with a given value
       updatedir       update an existing directory
       watch           watch a key for changes
       member list     list the members of the cluster
       help, h         show this help

    GLOBAL OPTIONS:
       --debug                 tell what is asked where
       --no-sync               do not ask the members for their addresses first
       --output, -o "simple"   output response in the given format (simple, extended or json)
       --endpoints, -C         a comma-delimited list of machine addresses in the cluster
                               (default: "http://127.0.0.1:2379,http://127.0.0.1:4001") [$ETCDCTL_ENDPOINTS]
       --ca-file               trust https servers of the authorities in this file [$ETCDCTL_CA_FILE]
       --cert-file             show https servers this certificate [$ETCDCTL_CERT_FILE]
       --key-file              the certificate's key [$ETCDCTL_KEY_FILE]
       --username, -u          provide username[:password]
       --timeout "5s"          how long an answer may take
       --help, -h              show this help
       --version, -v           print the version

    """
}
