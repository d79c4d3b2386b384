// SPDX-License-Identifier: Apache-2.0

/// What units that have commands have in common: systemd.exec(5) and systemd.resource-control(5).
extension DirectiveTable {
  static let execution: [DirectiveGroup] = [
    DirectiveGroup(
      .carriedOut,
      """
      Environment EnvironmentFile PassEnvironment UnsetEnvironment ExecSearchPath
      User Group SupplementaryGroups WorkingDirectory UMask
      Nice OOMScoreAdjust IgnoreSIGPIPE CPUAffinity CPUSchedulingPolicy CPUSchedulingPriority IOSchedulingClass
      IOSchedulingPriority
      LimitCPU LimitFSIZE LimitDATA LimitSTACK LimitCORE LimitRSS LimitNOFILE LimitAS LimitNPROC LimitMEMLOCK LimitLOCKS
      LimitSIGPENDING LimitMSGQUEUE LimitNICE LimitRTPRIO LimitRTTIME
      StandardInput StandardOutput StandardError StandardInputText StandardInputData SyslogIdentifier SyslogLevel
      SyslogLevelPrefix LogLevelMax LogRateLimitIntervalSec LogRateLimitBurst
      RuntimeDirectory RuntimeDirectoryMode RuntimeDirectoryPreserve StateDirectory StateDirectoryMode CacheDirectory
      CacheDirectoryMode LogsDirectory LogsDirectoryMode ConfigurationDirectory ConfigurationDirectoryMode
      NoNewPrivileges PrivateTmp PrivateDevices PrivateNetwork PrivateIPC PrivateMounts ProtectHostname ProtectKernelTunables
      ProtectKernelModules ProtectKernelLogs ProtectClock ProtectControlGroups ProtectSystem ProtectHome ReadOnlyPaths
      ReadOnlyDirectories ReadWritePaths ReadWriteDirectories InaccessiblePaths InaccessibleDirectories BindPaths
      BindReadOnlyPaths TemporaryFileSystem CapabilityBoundingSet AmbientCapabilities
      """
    ),
    DirectiveGroup(.withoutEffect("the journal keeps no facility"), "SyslogFacility"),
    DirectiveGroup(.withoutEffect("directories are removed at once"), "TimeoutCleanSec"),
    DirectiveGroup(.withoutEffect("every command sees /proc, /sys and /dev"), "MountAPIVFS"),
    DirectiveGroup(.withoutEffect("no terminal is used"), "TTYReset TTYVHangup TTYVTDisallocate TTYRows TTYColumns"),
    DirectiveGroup(
      .notCarriedOut("every command sees the machine's root"),
      """
      RootDirectory RootImage RootImageOptions RootHash RootHashSignature RootVerity ExtensionDirectories
      ExtensionImages MountImages
      """
    ),
    DirectiveGroup(
      .notCarriedOut("the commands run as User=, or as root where there is none"),
      "DynamicUser"
    ),
    DirectiveGroup(.notCarriedOut("commands have no terminal"), "TTYPath UtmpIdentifier UtmpMode"),
    DirectiveGroup(
      .notCarriedOut("there is no filter of system calls"),
      """
      SystemCallFilter SystemCallArchitectures SystemCallErrorNumber SystemCallLog MemoryDenyWriteExecute
      RestrictNamespaces RestrictRealtime RestrictSUIDSGID RestrictAddressFamilies RestrictFileSystems LockPersonality
      """
    ),
    DirectiveGroup(
      .notCarriedOut(nil),
      """
      CoredumpFilter CPUSchedulingResetOnFork NUMAPolicy NUMAMask TimerSlackNSec RemoveIPC SecureBits KeyringMode
      ProtectProc ProcSubset ExecPaths NoExecPaths PrivateUsers NetworkNamespacePath IPCNamespacePath
      MountFlags Personality PAMName SELinuxContext AppArmorProfile SmackProcessLabel
      """
    ),
    DirectiveGroup(
      .notCarriedOut("secrets have to come in files or variables"),
      "SetCredential SetCredentialEncrypted LoadCredential LoadCredentialEncrypted"
    ),
    DirectiveGroup(
      .notCarriedOut("all units of a machine have one journal, of fixed fields"),
      "LogExtraFields LogNamespace"
    ),
  ]

  static let resourceControl: [DirectiveGroup] = [
    DirectiveGroup(
      .carriedOut,
      """
      MemoryMin MemoryLow MemoryHigh MemoryMax MemorySwapMax MemoryLimit CPUWeight CPUShares CPUQuota CPUQuotaPeriodSec
      TasksMax
      """
    ),
    DirectiveGroup(
      .withoutEffect("the kernel counts wherever there are control groups"),
      "CPUAccounting MemoryAccounting TasksAccounting IOAccounting BlockIOAccounting"
    ),
    DirectiveGroup(.notCarriedOut("units have no slices"), "Slice"),
    DirectiveGroup(
      .notCarriedOut(nil),
      """
      AllowedCPUs StartupAllowedCPUs AllowedMemoryNodes StartupAllowedMemoryNodes StartupCPUWeight StartupCPUShares
      DefaultMemoryMin DefaultMemoryLow DeviceAllow DevicePolicy IOWeight StartupIOWeight IODeviceWeight
      IOReadBandwidthMax IOWriteBandwidthMax IOReadIOPSMax IOWriteIOPSMax IODeviceLatencyTargetSec BlockIOWeight
      StartupBlockIOWeight BlockIODeviceWeight BlockIOReadBandwidth BlockIOWriteBandwidth Delegate DisableControllers
      IPAccounting IPAddressAllow IPAddressDeny IPIngressFilterPath IPEgressFilterPath BPFProgram SocketBindAllow
      SocketBindDeny RestrictNetworkInterfaces
      """
    ),
    DirectiveGroup(
      .notCarriedOut("there is no systemd-oomd here"),
      "ManagedOOMSwap ManagedOOMMemoryPressure ManagedOOMMemoryPressureLimit ManagedOOMPreference"
    ),
  ]
}
