// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The terminal of this process.
public struct LocalTerminal {
  private let descriptor: Int32
  private let former: termios

  /// Nil when the descriptor is no terminal.
  public init?(_ descriptor: Int32) {
    var settings = termios()
    guard tcgetattr(descriptor, &settings) == 0 else { return nil }
    self.descriptor = descriptor
    former = settings
  }

  /// Its size; that of old terminals when it tells none.
  public var size: TerminalSize { Self.size(of: descriptor) ?? TerminalSize(columns: 80, rows: 24) }

  static func size(of descriptor: Int32) -> TerminalSize? {
    var window = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0 else { return nil }
    return TerminalSize(columns: Int32(window.ws_col), rows: Int32(window.ws_row))
  }

  /// Passes every key on as it is typed, until ``restore()``: the other side's terminal does the rest.
  public func passKeysOn() {
    var raw = former
    cfmakeraw(&raw)
    tcsetattr(descriptor, TCSADRAIN, &raw)
  }

  /// Makes it as it was.
  public func restore() {
    var settings = former
    tcsetattr(descriptor, TCSADRAIN, &settings)
  }
}
