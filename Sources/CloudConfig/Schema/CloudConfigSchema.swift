// SPDX-License-Identifier: Apache-2.0

/// Every key that a cloud-config may hold.
///
/// Source: coreos-cloudinit v1.9.3 and HEAD; specs/cloud-config.md §3 and §10; the contract for `coracle`.
enum CloudConfigSchema {
  static let root = SectionSchema(
    "",
    [
      KeySchema("coreos", .section(coreos)),
      KeySchema("coracle", .section(coracle)),
      KeySchema("ssh_authorized_keys", .stringList),
      KeySchema("hostname"),
      KeySchema("users", .sections(user)),
      KeySchema("write_files", .sections(file)),
      KeySchema("manage_etc_hosts", .string, .acted, allowed: ["localhost"]),
    ]
  )

  private static let coreos = SectionSchema(
    "coreos",
    [
      KeySchema("etcd", .section(etcd)),
      KeySchema("etcd2", .section(etcd2)),
      KeySchema("fleet", .section(fleet)),
      KeySchema("units", .sections(unit)),
      KeySchema(
        "flannel",
        .section(flannel),
        .noEffect("there is no overlay network in this version, --apply-system writes it down for flanneld")
      ),
      KeySchema(
        "locksmith",
        .section(locksmith),
        .noEffect("coracle does not reboot machines, --apply-system writes it down for locksmithd")
      ),
      KeySchema(
        "update",
        .section(update),
        .noEffect("coracle does not update the operating system, --apply-system writes it down for those who do")
      ),
      KeySchema(
        "oem",
        .section(oem),
        .noEffect("it describes an image, --apply-system writes it down in /etc/oem-release")
      ),
    ]
  )

  private static let coracle = SectionSchema(
    "coracle",
    [
      KeySchema(
        "registrator",
        .section(
          SectionSchema(
            "coracle.registrator",
            [
              KeySchema("enabled", .boolean), KeySchema("prefix"), KeySchema("internal", .boolean), KeySchema("ip"),
              KeySchema("format", .string, .acted, allowed: RegistratorPlan.Format.allCases.map(\.rawValue)),
              KeySchema("domain"), KeySchema("use_ip_from_label"), KeySchema("useIpFromLabel"),
              KeySchema("explicit", .boolean), KeySchema("tags"), KeySchema("force_tags"), KeySchema("ttl", .integer),
              KeySchema("ttl_refresh", .integer), KeySchema("resync", .integer),
              KeySchema(
                "deregister",
                .string,
                .acted,
                allowed: RegistratorPlan.Deregistration.allCases.map(\.rawValue)
              ),
              KeySchema("cleanup", .boolean), KeySchema("healthy_only", .boolean), KeySchema("drain", .float),
            ]
          )
        )
      ),
      KeySchema("docker"),
      KeySchema("local_units", .string, .acted, allowed: LocalUnitPlan.Carrier.allCases.map(\.rawValue)),
    ]
  )

  static let etcd2 = SectionSchema(
    "coreos.etcd2",
    [
      "advertise_client_urls", "data_dir", "discovery", "initial_advertise_peer_urls", "initial_cluster",
      "initial_cluster_token", "listen_client_urls", "listen_peer_urls", "name",
    ].map { KeySchema($0) }
      + [
        KeySchema("discovery_fallback", .string, .acted, allowed: ["proxy", "exit"]),
        KeySchema("initial_cluster_state", .string, .acted, allowed: ["new", "existing"]),
        KeySchema("proxy", .string, .acted, allowed: ["off", "on", "readonly"]),
        KeySchema("heartbeat_interval", .integer), KeySchema("election_timeout", .integer),
        KeySchema("snapshot_count", .integer),
        KeySchema("discovery_srv"), KeySchema("discovery_proxy"), KeySchema("wal_dir"), KeySchema("cors"),
        KeySchema("force_new_cluster", .boolean), KeySchema("strict_reconfig_check", .boolean),
        KeySchema("debug", .boolean),
        KeySchema("log_package_levels", .string, .noEffect("packages have no levels of their own; use --log-level")),
        KeySchema("enable_pprof", .boolean),
        KeySchema("max_snapshots", .integer, .noEffect("one snapshot is kept, and replaced by the next")),
        KeySchema("max_wals", .integer, .noEffect("the log is one file, from which old entries are removed")),
      ]
      + [
        "proxy_dial_timeout", "proxy_failure_wait", "proxy_read_timeout", "proxy_refresh_interval",
        "proxy_write_timeout",
      ].map { KeySchema($0, .integer) }
      + ["experimental_v3demo", "experimental_grpc_addr", "experimental_auto_compaction_retention"].map {
        KeySchema($0, .string, .noEffect("there is no v3 API"))
      }
      + ["addr", "bind_addr", "peer_addr", "peer_bind_addr"].map { KeySchema($0) }
      + ["peers", "peers_file"].map { KeySchema($0, .string, noPeers) }
      + [
        "cluster_active_size", "cluster_remove_delay", "cluster_sync_interval", "config", "force", "max_result_buffer",
        "max_retry_attempts", "peer_heartbeat_interval", "peer_election_timeout", "retry_interval", "snapshot", "v",
        "vv",
      ].map { KeySchema($0, .string, obsolete) }
      + [
        "ca_file", "cert_file", "key_file", "trusted_ca_file", "peer_ca_file", "peer_cert_file", "peer_key_file",
        "peer_trusted_ca_file",
      ].map { KeySchema($0) }
      + ["client_cert_auth", "peer_client_cert_auth"].map { KeySchema($0, .boolean) }
  )

  /// The section of etcd 0.4, whose main keys still mean something.
  private static let etcd = SectionSchema(
    "coreos.etcd",
    ["addr", "bind_addr", "data_dir", "discovery", "name", "peer_addr", "peer_bind_addr"].map { KeySchema($0) }
      + ["peer_election_timeout", "peer_heartbeat_interval"].map { KeySchema($0, .integer) }
      + ["ca_file", "cert_file", "key_file", "peer_ca_file", "peer_cert_file", "peer_key_file"].map { KeySchema($0) }
      + ["cors", "graphite_host", "trace"].map { KeySchema($0, .string, obsolete) }
      + ["peers", "peers_file"].map { KeySchema($0, .string, noPeers) }
      + [
        "cluster_active_size", "max_result_buffer", "max_retry_attempts", "snapshot_count",
      ].map { KeySchema($0, .integer, obsolete) }
      + [
        "cluster_remove_delay", "cluster_sync_interval", "http_read_timeout", "http_write_timeout", "retry_interval",
      ].map { KeySchema($0, .float, obsolete) }
      + ["snapshot", "verbose", "very_verbose", "very_very_verbose"].map { KeySchema($0, .boolean, obsolete) }
      + [
        "advertise_client_urls", "discovery_fallback", "discovery_srv", "discovery_proxy", "election_timeout",
        "force_new_cluster", "heartbeat_interval", "initial_advertise_peer_urls", "initial_cluster",
        "initial_cluster_state", "initial_cluster_token", "listen_client_urls", "listen_peer_urls", "proxy",
      ].map { KeySchema($0, .string, .noEffect("this key of etcd2 belongs under coreos.etcd2")) }
  )

  /// Going on without it would make a cluster of one of every machine.
  private static let noPeers = SettingEffect.unsupported(
    "this key of etcd 0.4 is gone; name the members in coreos.etcd2.initial-cluster"
  )

  private static let obsolete = SettingEffect.noEffect("this key of etcd 0.4 means nothing any more")

  static let fleet = SectionSchema(
    "coreos.fleet",
    [
      "agent_ttl", "etcd_key_prefix", "etcd_password", "etcd_servers", "etcd_username", "listen_urls", "metadata",
      "public_ip",
    ].map { KeySchema($0) }
      + [
        KeySchema("disable_engine", .boolean), KeySchema("engine_reconcile_interval", .float),
        KeySchema("etcd_request_timeout", .float), KeySchema("token_limit", .integer), KeySchema("verbosity", .integer),
        KeySchema("authorized_keys_file", .string, .noEffect("units are not signed")),
        KeySchema("verify_units", .boolean, .noEffect("units are not signed")),
      ]
      + ["etcd_cafile", "etcd_certfile", "etcd_keyfile"].map { KeySchema($0) }
  )

  private static let flannel = SectionSchema(
    "coreos.flannel",
    [
      "etcd_endpoints", "etcd_cafile", "etcd_certfile", "etcd_keyfile", "etcd_prefix", "etcd_username",
      "etcd_password", "ip_masq", "subnet_file", "interface", "public_ip",
    ].map { KeySchema($0) }
  )

  private static let locksmith = SectionSchema(
    "coreos.locksmith",
    [
      "endpoint", "etcd_cafile", "etcd_certfile", "etcd_keyfile", "etcd_username", "etcd_password", "group",
      "window_start", "window_length",
    ].map { KeySchema($0) }
  )

  private static let update = SectionSchema(
    "coreos.update",
    [
      KeySchema("reboot_strategy", .string, .acted, allowed: ["etcd-lock", "reboot", "off", "best-effort"]),
      KeySchema("group"), KeySchema("server"),
    ]
  )

  private static let oem = SectionSchema(
    "coreos.oem",
    ["id", "name", "version_id", "home_url", "bug_report_url"].map { KeySchema($0) }
  )

  private static let unit = SectionSchema(
    "coreos.units[]",
    [
      KeySchema("name"), KeySchema("mask", .boolean), KeySchema("enable", .boolean), KeySchema("runtime", .boolean),
      KeySchema("content"),
      KeySchema("command", .string, .acted, allowed: LocalUnitPlan.Command.allCases.map(\.rawValue)),
      KeySchema(
        "drop_ins",
        .sections(SectionSchema("coreos.units[].drop-ins[]", [KeySchema("name"), KeySchema("content")]))
      ),
    ]
  )

  private static let file = SectionSchema(
    "write_files[]",
    [
      KeySchema("path"), KeySchema("content"), KeySchema("owner"), KeySchema("permissions"),
      KeySchema(
        "encoding",
        .string,
        .acted,
        allowed: ["b64", "base64", "gz", "gzip", "gz+b64", "gz+base64", "gzip+b64", "gzip+base64"]
      ),
    ]
  )

  private static let user = SectionSchema(
    "users[]",
    [
      KeySchema("name"), KeySchema("passwd"), KeySchema("ssh_authorized_keys", .stringList), KeySchema("gecos"),
      KeySchema("homedir"), KeySchema("no_create_home", .boolean), KeySchema("primary_group"),
      KeySchema("groups", .stringList), KeySchema("no_user_group", .boolean), KeySchema("system", .boolean),
      KeySchema("no_log_init", .boolean), KeySchema("shell"),
    ]
      + ["coreos_ssh_import_github", "coreos_ssh_import_url"].map {
        KeySchema($0, .string, .noEffect("keys are not fetched; write them under ssh-authorized-keys"))
      }
      + [
        KeySchema(
          "coreos_ssh_import_github_users",
          .stringList,
          .noEffect("keys are not fetched; write them under ssh-authorized-keys")
        )
      ]
      + ["inactive", "lock_passwd", "sudo", "selinux_user", "ssh_import_id"].map {
        KeySchema($0, .string, .noEffect("CoreOS never carried it out either"))
      }
  )
}
