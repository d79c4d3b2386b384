// SPDX-License-Identifier: Apache-2.0

/// `[Service]`: systemd.service(5) and systemd.kill(5).
extension DirectiveTable {
  static let serviceLifecycle: [DirectiveGroup] = [
    DirectiveGroup(
      .carriedOut,
      """
      Type PIDFile RemainAfterExit ExecCondition ExecStartPre ExecStart ExecStartPost ExecReload ExecStop ExecStopPost
      Restart RestartSec SuccessExitStatus RestartPreventExitStatus RestartForceExitStatus StartLimitInterval
      StartLimitBurst TimeoutSec TimeoutStartSec TimeoutStopSec TimeoutAbortSec TimeoutStartFailureMode
      TimeoutStopFailureMode RuntimeMaxSec WatchdogSec NotifyAccess GuessMainPID
      """
    ),
    DirectiveGroup(
      .notCarriedOut(nil),
      "ExitType RuntimeRandomizedExtraSec PermissionsStartOnly FileDescriptorStoreMax"
    ),
    DirectiveGroup(.notCarriedOut("there is no message bus here"), "BusName"),
    DirectiveGroup(.notCarriedOut("a socket unit says by Service= which service it is for"), "Sockets"),
    DirectiveGroup(.notCarriedOut("sockets are passed as they are listened on"), "NonBlocking"),
    DirectiveGroup(.notCarriedOut("USB gadgets are not made here"), "USBFunctionDescriptors USBFunctionStrings"),
    DirectiveGroup(
      .notCarriedOut("what the kernel kills for lack of memory counts as killed by a signal"),
      "OOMPolicy"
    ),
    DirectiveGroup(
      .notCarriedOut("units do not reboot the machine here"),
      "StartLimitAction FailureAction RebootArgument"
    ),
    DirectiveGroup(.notCarriedOut("every command sees the machine's root"), "RootDirectoryStartOnly"),
  ]

  static let killing: [DirectiveGroup] = [
    DirectiveGroup(
      .carriedOut,
      "KillMode KillSignal RestartKillSignal FinalKillSignal WatchdogSignal SendSIGKILL SendSIGHUP"
    )
  ]
}
