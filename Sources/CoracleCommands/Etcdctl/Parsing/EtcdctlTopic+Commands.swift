// SPDX-License-Identifier: Apache-2.0

/// All commands with their flags and the words of their help.
///
/// Source: etcd v3.4.23 `etcdctl/ctlv2/`; `import` is of v2.3.8.
extension EtcdctlTopic {
  /// The program.
  static let program = EtcdctlTopic(
    summary: "A simple command line client for etcd.",
    flags: globalFlags,
    commands: [backup, clusterHealth] + keys + [member, importSnapshot, user, role, auth]
  )

  private static let globalFlags: [EtcdctlFlag] = [
    .toggle("debug", help: "output cURL commands which can be used to reproduce the request"),
    .toggle("no-sync", help: "don't synchronize cluster information before sending request"),
    EtcdctlFlag(
      names: ["output", "o"],
      kind: .text,
      help: "output response in the given format (simple, `extended` or `json`)",
      placeholder: "simple",
      shownDefault: "\"simple\""
    ),
    .text("discovery-srv", "D", help: "domain name to query for SRV records describing cluster endpoints"),
    .toggle("insecure-discovery", help: "accept insecure SRV records describing cluster endpoints"),
    .text("peers", "C", help: "DEPRECATED - \"--endpoints\" should be used instead"),
    .text("endpoint", help: "DEPRECATED - \"--endpoints\" should be used instead"),
    .text(
      "endpoints",
      help: "a comma-delimited list of machine addresses in the cluster "
        + "(default: \"http://127.0.0.1:2379,http://127.0.0.1:4001\")"
    ),
    .text("cert-file", help: "identify HTTPS client using this SSL certificate file"),
    .text("key-file", help: "identify HTTPS client using this SSL key file"),
    .text("ca-file", help: "verify certificates of HTTPS-enabled servers using this CA bundle"),
    .text("username", "u", help: "provide username[:password] and prompt if password is not supplied."),
    EtcdctlFlag(names: ["timeout"], kind: .time, help: "connection timeout per request", shownDefault: "2s"),
    EtcdctlFlag(
      names: ["total-timeout"],
      kind: .time,
      help: "timeout for the command execution (except watch)",
      shownDefault: "5s"
    ),
  ]

  private static let ttl = EtcdctlFlag.number("ttl", help: "key time-to-live in seconds")
  private static let quorum = EtcdctlFlag.toggle("quorum", "q", help: "require quorum for get request")
  private static let sort = EtcdctlFlag.toggle("sort", help: "returns result in sorted order")
  private static let afterIndex = EtcdctlFlag.number("after-index", help: "watch after the given index")

  private static let backup = EtcdctlTopic(
    words: ["backup"],
    summary: "backup an etcd directory",
    argumentsUsage: " ",
    flags: [
      .text("data-dir", help: "Path to the etcd data dir"), .text("wal-dir", help: "Path to the etcd wal dir"),
      .text("backup-dir", help: "Path to the backup dir"),
      .text("backup-wal-dir", help: "Path to the backup wal dir"),
      .toggle("with-v3", help: "Backup v3 backend data"),
    ]
  )

  private static let clusterHealth = EtcdctlTopic(
    words: ["cluster-health"],
    summary: "check the health of the etcd cluster",
    argumentsUsage: " ",
    flags: [.toggle("forever", "f", help: "forever check the health every 10 second until CTRL+C")]
  )

  private static let keys: [EtcdctlTopic] = [
    key(
      "mk",
      "make a new key with a given value",
      "<key> <value>",
      [
        .toggle("in-order", help: "create in-order key under directory <key>"), ttl,
      ]
    ),
    key("mkdir", "make a new directory", "<key>", [ttl]),
    key(
      "rm",
      "remove a key or a directory",
      "<key>",
      [
        .toggle("dir", help: "removes the key if it is an empty directory or a key-value pair"),
        .toggle("recursive", "r", help: "removes the key and all child keys(if it is a directory)"),
        .text("with-value", help: "previous value"), .number("with-index", help: "previous index"),
      ]
    ),
    key("rmdir", "removes the key if it is an empty directory or a key-value pair", "<key>", []),
    key("get", "retrieve the value of a key", "<key>", [sort, quorum]),
    key(
      "ls",
      "retrieve a directory",
      "[key]",
      [
        sort, .toggle("recursive", "r", help: "returns all key names recursively for the given path"),
        .toggle("p", help: "append slash (/) to directories"), quorum,
      ]
    ),
    set,
    key("setdir", "create a new directory or update an existing directory TTL", "<key>", [ttl]),
    key("update", "update an existing key with a given value", "<key> <value>", [ttl]),
    key("updatedir", "update an existing directory", "<key> <value>", [ttl]),
    key(
      "watch",
      "watch a key for changes",
      "<key>",
      [
        .toggle("forever", "f", help: "forever watch a key until CTRL+C"), afterIndex,
        .toggle("recursive", "r", help: "returns all values for key and child keys"),
      ]
    ),
    key(
      "exec-watch",
      "watch a key for changes and exec an executable",
      "<key> <command> [args...]",
      [
        afterIndex, .toggle("recursive", "r", help: "watch all values for key and child keys"),
      ]
    ),
  ]

  private static let set = EtcdctlTopic(
    words: ["set"],
    summary: "set the value of a key",
    argumentsUsage: "<key> <value>",
    details: """
      Set sets the value of a key.

         When <value> begins with '-', <value> is interpreted as a flag.
         Insert '--' for workaround:

         $ set -- <key> <value>
      """,
    flags: [
      ttl, .text("swap-with-value", help: "previous value"), .number("swap-with-index", help: "previous index"),
    ]
  )

  private static func key(
    _ name: String,
    _ summary: String,
    _ argumentsUsage: String,
    _ flags: [EtcdctlFlag]
  ) -> EtcdctlTopic {
    EtcdctlTopic(words: [name], summary: summary, argumentsUsage: argumentsUsage, flags: flags)
  }

  private static let member = EtcdctlTopic(
    words: ["member"],
    summary: "member add, remove and list subcommands",
    commands: [
      command("member", "list", "enumerate existing cluster members", " "),
      command("member", "add", "add a new member to the etcd cluster", "<name> <peerURL>"),
      command("member", "remove", "remove an existing member from the etcd cluster", "<memberID>"),
      command("member", "update", "update an existing member in the etcd cluster", "<memberID> <peerURLs>"),
    ]
  )

  private static let importSnapshot = EtcdctlTopic(
    words: ["import"],
    summary: "import a snapshot to a cluster",
    argumentsUsage: " ",
    flags: [
      .text("snap", help: "Path to the valid etcd 0.4.x snapshot."),
      EtcdctlFlag(names: ["hidden"], kind: .list, help: "Hidden key spaces to import from snapshot"),
      .number("c", default: 10, help: "Number of concurrent clients to import the data"),
    ]
  )

  private static let user = EtcdctlTopic(
    words: ["user"],
    summary: "user add, grant and revoke subcommands",
    commands: [
      command("user", "add", "add a new user for the etcd cluster", "<user>"),
      command("user", "get", "get details for a user", "<user>"),
      command("user", "list", "list all current users", "<user>"),
      command("user", "remove", "remove a user for the etcd cluster", "<user>"),
      command("user", "grant", "grant roles to an etcd user", "<user>", [roles]),
      command("user", "revoke", "revoke roles for an etcd user", "<user>", [roles]),
      command("user", "passwd", "change password for a user", "<user>"),
    ]
  )

  private static let roles = EtcdctlFlag(names: ["roles"], kind: .list, help: "List of roles to grant or revoke")

  private static let role = EtcdctlTopic(
    words: ["role"],
    summary: "role add, grant and revoke subcommands",
    commands: [
      command("role", "add", "add a new role for the etcd cluster", "<role> "),
      command("role", "get", "get details for a role", "<role>"),
      command("role", "list", "list all roles", " "),
      command("role", "remove", "remove a role from the etcd cluster", "<role>"),
      command(
        "role",
        "grant",
        "grant path matches to an etcd role",
        "<role>",
        [
          .text("path", help: "Path granted for the role to access"),
          .toggle("read", help: "Grant read-only access"), .toggle("write", help: "Grant write-only access"),
          .toggle("readwrite", "rw", help: "Grant read-write access"),
        ]
      ),
      command(
        "role",
        "revoke",
        "revoke path matches for an etcd role",
        "<role>",
        [
          .text("path", help: "Path revoked for the role to access"),
          .toggle("read", help: "Revoke read access"), .toggle("write", help: "Revoke write access"),
          .toggle("readwrite", "rw", help: "Revoke read-write access"),
        ]
      ),
    ]
  )

  private static let auth = EtcdctlTopic(
    words: ["auth"],
    summary: "overall auth controls",
    commands: [
      command("auth", "enable", "enable auth access controls", " "),
      command("auth", "disable", "disable auth access controls", " "),
    ]
  )

  private static func command(
    _ group: String,
    _ name: String,
    _ summary: String,
    _ argumentsUsage: String,
    _ flags: [EtcdctlFlag] = []
  ) -> EtcdctlTopic {
    EtcdctlTopic(words: [group, name], summary: summary, argumentsUsage: argumentsUsage, flags: flags)
  }
}
