// SPDX-License-Identifier: Apache-2.0

/// How many lines a unit may write in a span of time (`LogRateLimitIntervalSec=`, `LogRateLimitBurst=`).
///
/// Source: systemd.exec(5). Differs: without these directives there is no limit; sizes limit what is kept.
public struct LineRateLimit: Sendable, Equatable, Codable {
  /// The span, which begins with its first line.
  public var intervalMicroseconds: Int64
  /// The lines that are kept of each span.
  public var burst: Int

  /// Makes a limit; what is left out is as journald has it.
  public init(intervalMicroseconds: Int64 = 30_000_000, burst: Int = 10_000) {
    self.intervalMicroseconds = intervalMicroseconds
    self.burst = burst
  }

  /// Whether nothing is limited, as zero says.
  public var isOff: Bool { intervalMicroseconds <= 0 || burst <= 0 }

  /// What was written in the span that goes on.
  public struct Count: Sendable, Equatable {
    private var beginMicroseconds: Int64?
    private var lines = 0
    private var suppressed = 0

    /// Begins without a span.
    public init() {}

    /// What becomes of a line.
    public struct Verdict: Sendable, Equatable {
      /// Whether the line is kept.
      public var isKept: Bool
      /// How many lines of a span that is over were not kept; to be told before this line.
      public var suppressedBefore: Int

      /// Makes a verdict.
      public init(isKept: Bool, suppressedBefore: Int) {
        self.isKept = isKept
        self.suppressedBefore = suppressedBefore
      }
    }

    /// Counts a line.
    public mutating func add(under limit: LineRateLimit, atMicroseconds now: Int64) -> Verdict {
      guard !limit.isOff else { return Verdict(isKept: true, suppressedBefore: 0) }
      var told = 0
      // A clock that was set back begins a new span.
      if beginMicroseconds.map({ now < $0 || now - $0 >= limit.intervalMicroseconds }) ?? true {
        told = suppressed
        (beginMicroseconds, lines, suppressed) = (now, 0, 0)
      }
      guard lines < limit.burst else {
        suppressed += 1
        return Verdict(isKept: false, suppressedBefore: told)
      }
      lines += 1
      return Verdict(isKept: true, suppressedBefore: told)
    }
  }
}
