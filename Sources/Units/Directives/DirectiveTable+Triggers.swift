// SPDX-License-Identifier: Apache-2.0

/// `[Timer]`, `[Socket]`, `[Path]`: systemd.timer(5), systemd.socket(5), systemd.path(5).
extension DirectiveTable {
  /// What becomes of the directives of these units: to be `.carriedOut` once they are run.
  private static let sockets = DirectiveStanding.notCarriedOut("socket units are not run yet")

  static let timer: [DirectiveGroup] = [
    DirectiveGroup(
      .carriedOut,
      """
      OnActiveSec OnBootSec OnStartupSec OnUnitActiveSec OnUnitInactiveSec OnCalendar AccuracySec RandomizedDelaySec
      FixedRandomDelay OnClockChange Unit Persistent RemainAfterElapse
      """
    ),
    DirectiveGroup(.notCarriedOut("the machine's time zone is read when the timer is loaded"), "OnTimezoneChange"),
    DirectiveGroup(.notCarriedOut("timers do not wake a machine that sleeps"), "WakeSystem"),
  ]

  static let socket: [DirectiveGroup] = [
    DirectiveGroup(
      sockets,
      """
      ListenStream ListenDatagram ListenSequentialPacket ListenFIFO ListenSpecial ListenNetlink ListenMessageQueue
      ListenUSBFunction SocketProtocol BindIPv6Only Backlog BindToDevice SocketUser SocketGroup SocketMode DirectoryMode
      Accept Writable FlushPending MaxConnections MaxConnectionsPerSource KeepAlive KeepAliveTimeSec
      KeepAliveIntervalSec KeepAliveProbes NoDelay Priority DeferAcceptSec ReceiveBuffer SendBuffer IPTOS IPTTL Mark
      ReusePort SmackLabel SmackLabelIPIn SmackLabelIPOut SELinuxContextFromNet PipeSize MessageQueueMaxMessages
      MessageQueueMessageSize FreeBind Transparent Broadcast PassCredentials PassSecurity PassPacketInfo Timestamping
      TCPCongestion ExecStartPre ExecStartPost ExecStopPre ExecStopPost TimeoutSec Service RemoveOnStop Symlinks
      FileDescriptorName TriggerLimitIntervalSec TriggerLimitBurst
      """
    )
  ]

  static let path: [DirectiveGroup] = [
    DirectiveGroup(
      .carriedOut,
      """
      PathExists PathExistsGlob PathChanged PathModified DirectoryNotEmpty Unit MakeDirectory DirectoryMode
      TriggerLimitIntervalSec TriggerLimitBurst
      """
    )
  ]

  /// A socket has commands of its own, which are executed once sockets are run.
  static func commandsOfSockets(_ groups: [DirectiveGroup]) -> [DirectiveGroup] {
    groups.map { DirectiveGroup($0.standing == .carriedOut ? sockets : $0.standing, $0.names.joined(separator: " ")) }
  }
}
