// SPDX-License-Identifier: Apache-2.0

/// `[Unit]` and `[Install]`: systemd.unit(5).
extension DirectiveTable {
  static let unit: [DirectiveGroup] = [
    DirectiveGroup(
      .carriedOut,
      """
      Description Requires Wants BindsTo BindTo Before After StartLimitIntervalSec StartLimitInterval StartLimitBurst
      """
    ),
    DirectiveGroup(.withoutEffect("it is for readers of the file"), "Documentation SourcePath"),
    DirectiveGroup(
      .withoutEffect("units here depend on nothing that they do not name"),
      "DefaultDependencies"
    ),
    DirectiveGroup(.withoutEffect("there is no isolating here"), "AllowIsolate IgnoreOnIsolate OnFailureIsolate"),
    DirectiveGroup(.withoutEffect("units are kept until fleet unloads them"), "CollectMode"),
    DirectiveGroup(
      .notCarriedOut(nil),
      """
      Requisite Upholds Conflicts PartOf OnSuccess OnFailure OnSuccessJobMode OnFailureJobMode PropagatesReloadTo
      PropagateReloadTo ReloadPropagatedFrom PropagateReloadFrom PropagatesStopTo StopPropagatedFrom StopWhenUnneeded
      RefuseManualStart RefuseManualStop JobTimeoutSec JobRunningTimeoutSec JobTimeoutAction JobTimeoutRebootArgument
      """
    ),
    DirectiveGroup(.notCarriedOut("every unit has namespaces of its own"), "JoinsNamespaceOf"),
    DirectiveGroup(.notCarriedOut("systemd dropped it too"), "RequiresOverridable RequisiteOverridable"),
    DirectiveGroup(.notCarriedOut("mount units are not run here"), "RequiresMountsFor"),
    DirectiveGroup(
      .notCarriedOut("units do not reboot the machine here"),
      "StartLimitAction FailureAction SuccessAction FailureActionExitStatus SuccessActionExitStatus RebootArgument"
    ),
    DirectiveGroup(
      .notCarriedOut("the unit starts whether it holds or not"),
      """
      ConditionPathExists ConditionPathExistsGlob ConditionPathIsDirectory ConditionPathIsSymbolicLink
      ConditionPathIsMountPoint ConditionPathIsReadWrite ConditionPathIsEncrypted ConditionDirectoryNotEmpty
      ConditionFileNotEmpty ConditionFileIsExecutable ConditionNeedsUpdate ConditionFirstBoot ConditionArchitecture
      ConditionFirmware ConditionVirtualization ConditionHost ConditionKernelCommandLine ConditionKernelVersion
      ConditionCredential ConditionSecurity ConditionCapability ConditionACPower ConditionMemory ConditionCPUFeature
      ConditionCPUs ConditionEnvironment ConditionUser ConditionGroup ConditionControlGroupController
      ConditionOSRelease ConditionMemoryPressure ConditionCPUPressure ConditionIOPressure AssertPathExists
      AssertPathExistsGlob AssertPathIsDirectory AssertPathIsSymbolicLink AssertPathIsMountPoint
      AssertPathIsReadWrite AssertPathIsEncrypted AssertDirectoryNotEmpty AssertFileNotEmpty AssertFileIsExecutable
      AssertNeedsUpdate AssertFirstBoot AssertArchitecture AssertVirtualization AssertHost AssertKernelCommandLine
      AssertKernelVersion AssertCredential AssertSecurity AssertCapability AssertACPower AssertMemory
      AssertCPUFeature AssertCPUs AssertEnvironment AssertUser AssertGroup AssertControlGroupController
      AssertOSRelease AssertMemoryPressure AssertCPUPressure AssertIOPressure
      """
    ),
  ]

  /// `WantedBy=` of a target is taken by the reader: what starts with it starts when fleet says so.
  static let install: [DirectiveGroup] = [
    DirectiveGroup(
      .notCarriedOut("a unit is started by fleet, or by the command: in a cloud-config"),
      "WantedBy RequiredBy Also DefaultInstance"
    ),
    DirectiveGroup(.notCarriedOut("a unit has one name"), "Alias"),
  ]
}
