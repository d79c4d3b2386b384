// SPDX-License-Identifier: Apache-2.0
public import Units

/// Sockets that the node itself listens on, made as those of socket units are.
public enum ListeningSockets {
  /// Makes one that listens; whoever calls owns the descriptor.
  ///
  /// May block, so not for the cooperative pool. A socket that is a file takes the place of one that was left there.
  ///
  /// - Returns: The descriptor; nil when the machine has no such addresses.
  /// - Throws: ``UnitRunnerError/Code/badUnit`` when it cannot be had; nothing stays open then.
  public static func open(
    _ listener: SocketListener,
    settings: SocketDefinition.Settings,
    user: String? = nil,
    group: String? = nil
  ) throws(UnitRunnerError) -> Int32? {
    var owner = ExecutionSettings()
    owner.user = user
    owner.group = group
    let identity: UserIdentity?
    do {
      identity = try UserAccounts.identity(for: owner, account: user.flatMap { UserAccounts.account($0) })
    } catch {
      throw UnitRunnerError(.badUnit, "listen on \(listener.place): \(error.text)")
    }
    let request = ListenRequest(
      unit: "",
      listeners: [listener],
      settings: settings,
      userID: user == nil ? nil : identity?.userID,
      groupID: identity?.groupID,
      accepts: true,
      connections: []
    )
    do {
      return try SocketOpener(request: request).open(listener)
    } catch {
      if error.isMissingFamily { return nil }
      throw UnitRunnerError(.badUnit, "listen on \(listener.place): \(error.text)")
    }
  }
}
