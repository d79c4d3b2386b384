// SPDX-License-Identifier: Apache-2.0

/// `[Unit]` and `[Install]`: systemd.unit(5).
extension DirectiveTable {
  static let unit: [DirectiveGroup] = [
    DirectiveGroup(
      .carriedOut,
      """
      Description Requires Requisite Wants BindsTo BindTo PartOf Upholds Conflicts Before After OnSuccess OnFailure
      PropagatesReloadTo PropagateReloadTo ReloadPropagatedFrom PropagateReloadFrom PropagatesStopTo StopPropagatedFrom
      StopWhenUnneeded RefuseManualStart RefuseManualStop JobTimeoutSec JobRunningTimeoutSec StartLimitIntervalSec
      StartLimitInterval StartLimitBurst
      """
    ),
    DirectiveGroup(
      .carriedOut,
      """
      ConditionPathExists ConditionPathExistsGlob ConditionPathIsDirectory ConditionPathIsSymbolicLink
      ConditionPathIsMountPoint ConditionPathIsReadWrite ConditionDirectoryNotEmpty ConditionFileNotEmpty
      ConditionFileIsExecutable ConditionArchitecture ConditionVirtualization ConditionHost ConditionKernelCommandLine
      ConditionKernelVersion ConditionEnvironment ConditionUser ConditionGroup ConditionMemory ConditionCPUs
      ConditionOSRelease AssertPathExists AssertPathExistsGlob AssertPathIsDirectory AssertPathIsSymbolicLink
      AssertPathIsMountPoint AssertPathIsReadWrite AssertDirectoryNotEmpty AssertFileNotEmpty AssertFileIsExecutable
      AssertArchitecture AssertVirtualization AssertHost AssertKernelCommandLine AssertKernelVersion AssertEnvironment
      AssertUser AssertGroup AssertMemory AssertCPUs AssertOSRelease
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
      .notCarriedOut("jobs here replace those that are in their way"),
      "OnSuccessJobMode OnFailureJobMode"
    ),
    DirectiveGroup(.notCarriedOut("every unit has namespaces of its own"), "JoinsNamespaceOf"),
    DirectiveGroup(.notCarriedOut("systemd dropped it too"), "RequiresOverridable RequisiteOverridable"),
    DirectiveGroup(.notCarriedOut("mount units are not run here"), "RequiresMountsFor"),
    DirectiveGroup(
      .notCarriedOut("units do not reboot the machine here"),
      """
      StartLimitAction FailureAction SuccessAction FailureActionExitStatus SuccessActionExitStatus RebootArgument
      JobTimeoutAction JobTimeoutRebootArgument
      """
    ),
    DirectiveGroup(
      .notCarriedOut("the unit starts whether it holds or not"),
      """
      ConditionPathIsEncrypted ConditionNeedsUpdate ConditionFirstBoot ConditionFirmware ConditionCredential
      ConditionSecurity ConditionCapability ConditionACPower ConditionCPUFeature ConditionControlGroupController
      ConditionMemoryPressure ConditionCPUPressure ConditionIOPressure AssertPathIsEncrypted AssertNeedsUpdate
      AssertFirstBoot AssertCredential AssertSecurity AssertCapability AssertACPower AssertCPUFeature
      AssertControlGroupController AssertMemoryPressure AssertCPUPressure AssertIOPressure
      """
    ),
  ]

  /// A unit is enabled as long as it is loaded, as under fleet.
  ///
  /// `UpheldBy=` of systemd 254 is read too.
  static let install: [DirectiveGroup] = [
    DirectiveGroup(.carriedOut, "WantedBy RequiredBy Alias"),
    DirectiveGroup(.notCarriedOut("each unit is loaded for itself"), "Also"),
    DirectiveGroup(.notCarriedOut("a template is not loaded, only its instances"), "DefaultInstance"),
  ]
}
