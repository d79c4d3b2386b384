// SPDX-License-Identifier: Apache-2.0

/// `[Timer]`, `[Socket]`, `[Path]`: systemd.timer(5), systemd.socket(5), systemd.path(5).
extension DirectiveTable {
  /// What becomes of commands that a socket could have.
  private static let commands = DirectiveStanding.notCarriedOut("sockets execute no commands of their own")

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
      .carriedOut,
      """
      ListenStream ListenDatagram ListenSequentialPacket ListenFIFO BindIPv6Only Backlog BindToDevice SocketUser
      SocketGroup SocketMode DirectoryMode Accept FlushPending MaxConnections MaxConnectionsPerSource KeepAlive
      KeepAliveTimeSec KeepAliveIntervalSec KeepAliveProbes NoDelay Priority DeferAcceptSec ReceiveBuffer SendBuffer
      IPTTL Mark ReusePort PipeSize FreeBind Transparent Broadcast PassCredentials TCPCongestion Service RemoveOnStop
      Symlinks FileDescriptorName TriggerLimitIntervalSec TriggerLimitBurst
      """
    ),
    DirectiveGroup(commands, "ExecStartPre ExecStartPost ExecStopPre ExecStopPost TimeoutSec"),
    DirectiveGroup(
      .notCarriedOut(nil),
      """
      ListenSpecial ListenNetlink ListenMessageQueue ListenUSBFunction SocketProtocol Writable IPTOS
      MessageQueueMaxMessages MessageQueueMessageSize PassSecurity PassPacketInfo Timestamping
      """
    ),
    DirectiveGroup(
      .notCarriedOut("sockets get no labels of security modules"),
      "SmackLabel SmackLabelIPIn SmackLabelIPOut SELinuxContextFromNet"
    ),
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

  /// A socket's commands would be executed as a service's are.
  static func commandsOfSockets(_ groups: [DirectiveGroup]) -> [DirectiveGroup] {
    groups.map { DirectiveGroup($0.standing == .carriedOut ? commands : $0.standing, $0.names.joined(separator: " ")) }
  }
}
