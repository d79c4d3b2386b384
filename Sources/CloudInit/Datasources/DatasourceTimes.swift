// SPDX-License-Identifier: Apache-2.0

/// How long datasources are waited for.
///
/// Source: coreos-cloudinit `coreos-cloudinit.go` and `pkg/http_client.go`; specs/cloud-config.md §7.
public struct DatasourceTimes: Sendable, Equatable {
  /// The first wait between two looks at all datasources; it doubles.
  public var firstPoll = Duration.milliseconds(100)
  /// The longest wait between two looks.
  public var longestPoll = Duration.seconds(30)
  /// How long a service that is promised may stay away.
  public var patience = Duration.seconds(300)
  /// How long a disk that is promised may stay away.
  public var diskPatience = Duration.seconds(60)
  /// How long a look may take that has begun in time; a request takes 10 s at most.
  public var requestGrace = Duration.seconds(11)
  /// How often a server is asked that does not answer or answers with a 5xx, within one look.
  public var attempts = 15
  /// The first wait between two of those; it doubles.
  public var firstRetry = Duration.milliseconds(50)
  /// The longest wait between two of those.
  public var longestRetry = Duration.seconds(5)

  /// Makes the times of the original.
  public init() {}

  /// One look and no waiting, as for a machine that runs.
  public static let once: DatasourceTimes = {
    var times = DatasourceTimes()
    times.patience = .zero
    times.diskPatience = .zero
    times.attempts = 2
    return times
  }()

  /// Those of a machine that can start without: it waits for half a minute only.
  public static let withLastGood: DatasourceTimes = {
    var times = DatasourceTimes()
    times.patience = .seconds(30)
    times.diskPatience = .seconds(10)
    times.attempts = 5
    return times
  }()
}
