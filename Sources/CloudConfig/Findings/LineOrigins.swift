// SPDX-License-Identifier: Apache-2.0

/// Where the lines of decoded parts stand in the user-data.
///
/// Shape: lines up to `ownLines` are those of the user-data itself; each part gets numbers of its own behind them, so that
/// one number tells part and line. User-data that is a single document has its own lines only.
struct LineOrigins: Sendable {
  /// Where the lines of a text come from.
  enum Place: Sendable, Equatable {
    /// They stand as they are, from this line on.
    case verbatim(Int)
    /// Each has a line it came from.
    case each([Int])
    /// They came out of something packed that begins on a line; the second number is that of the first line inside.
    case packed(line: Int, inside: Int)

    /// The place of what begins so many lines further down.
    func dropping(_ lines: Int) -> Place {
      switch self {
      case .verbatim(let first): .verbatim(first + lines)
      case .each(let origins): .each(Array(origins.dropFirst(lines)))
      case .packed(let line, let inside): .packed(line: line, inside: inside + lines)
      }
    }

    /// The line of the user-data that a line, counted from 0, came from; and its number inside something packed.
    func origin(_ index: Int) -> (line: Int, inside: Int?) {
      switch self {
      case .verbatim(let first): (first + index, nil)
      case .each(let origins): (index < origins.count ? origins[index] : origins.last ?? 1, nil)
      case .packed(let line, let inside): (line, inside + index)
      }
    }
  }

  private struct Stretch {
    var first: Int
    var place: Place
  }

  private var nextLine: Int
  private var stretches: [Stretch] = []

  /// Makes the lines of user-data that has so many itself.
  init(ownLines: Int = 0) {
    nextLine = ownLines + 1
  }

  /// Gives a part numbers of its own.
  ///
  /// - Returns: The number of its first line.
  mutating func add(lines: Int, at place: Place) -> Int {
    let first = nextLine
    stretches.append(Stretch(first: first, place: place))
    nextLine += lines
    return first
  }

  /// The mark in the user-data of a mark in a part, and its mark inside something packed.
  func origin(of mark: SourceMark) -> (mark: SourceMark, inside: SourceMark?) {
    guard let stretch = stretches.last(where: { $0.first <= mark.line }) else { return (mark, nil) }
    let origin = stretch.place.origin(mark.line - stretch.first)
    guard let inside = origin.inside else { return (SourceMark(line: origin.line, column: mark.column), nil) }
    return (SourceMark(line: origin.line, column: 1), SourceMark(line: inside, column: mark.column))
  }

  /// Whether two marks are of one part.
  func areTogether(_ left: SourceMark, _ right: SourceMark) -> Bool {
    stretches.lastIndex { $0.first <= left.line } == stretches.lastIndex { $0.first <= right.line }
  }

  /// A number that the lines of bytes do not exceed.
  static func bound(ofLinesIn bytes: some Sequence<UInt8>) -> Int {
    bytes.reduce(2) { $1 == 0x0a || $1 == 0x0d ? $0 + 1 : $0 }
  }
}
