// SPDX-License-Identifier: Apache-2.0
public import Logging

/// What the flags and the environment of `coracle node` say; nil leaves the choice to the cloud-config or the default.
public struct NodeOptions: Sendable {
  /// How log lines look.
  public enum LogFormat: String, Sendable, CaseIterable {
    case text
    case json
  }

  /// The cloud-config: a path, a URL, `-` for standard input; nil leaves it to the datasources.
  public var cloudConfig: String?
  /// The datasources: `auto`, `none`, or names joined by commas; nil is `auto`.
  public var datasource: String?
  /// Everything this node keeps.
  public var dataDirectory = NodeOptions.defaultDataDirectory
  /// The member's name.
  public var name: String?
  /// The machine id.
  public var machineID: String?
  /// The value of `$public_ipv4`.
  public var publicIP: String?
  /// The value of `$private_ipv4`.
  public var privateIP: String?
  /// The Docker Engine's URL, or `none`.
  public var docker: String?
  /// The control socket's path.
  public var socket: String?
  /// Whether the cloud-config may change this computer.
  public var appliesSystem = false
  /// Whether a clean stop of the node stops its units too.
  public var stopsUnits = false
  /// Below which control group units' groups are; nil is the one the node is in.
  public var controlGroupRoot: String?
  /// The least level that is logged; nil means info, or debug when the cloud-config says so.
  public var logLevel: Logger.Level?
  /// How log lines look.
  public var logFormat: LogFormat = .text

  /// The data directory of a machine that runs one node.
  public static let defaultDataDirectory = "/var/lib/coracle"

  /// Makes options that leave every choice open.
  public init() {}
}
