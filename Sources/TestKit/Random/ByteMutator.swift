// SPDX-License-Identifier: Apache-2.0

/// Makes broken and strange inputs from good ones, for tests of whatever reads bytes from others.
///
/// Shape: a sequence that follows from its seed; each input is a corpus entry with a few changes, among them bytes cut
/// out, doubled, flipped, and words that mean something to the reader put in.
public struct ByteMutator: Sendable {
  private let corpus: [[UInt8]]
  private let words: [[UInt8]]
  private let maximumBytes: Int
  private var random: SeededGenerator

  /// Makes a mutator.
  ///
  /// - Parameters:
  ///   - corpus: Good inputs; not empty.
  ///   - words: What means something to the reader.
  ///   - maximumBytes: No input is longer.
  ///   - seed: What the sequence follows from.
  public init(corpus: [String], words: [String], maximumBytes: Int = 4_096, seed: UInt64) {
    precondition(!corpus.isEmpty, "a mutator has something to change")
    self.corpus = corpus.map { Array($0.utf8) }
    self.words = words.map { Array($0.utf8) }
    self.maximumBytes = maximumBytes
    random = SeededGenerator(seed: seed)
  }

  /// The next input.
  public mutating func next() -> [UInt8] {
    var bytes = corpus[Int.random(in: 0..<corpus.count, using: &random)]
    for _ in 0..<Int.random(in: 0...6, using: &random) { change(&bytes) }
    return bytes.count > maximumBytes ? Array(bytes[..<maximumBytes]) : bytes
  }

  /// The next input in pieces, as a connection might bring it.
  public mutating func nextPieces() -> [[UInt8]] {
    let bytes = next()
    var pieces: [[UInt8]] = []
    var start = 0
    while start < bytes.count {
      let size = Bool.random(using: &random) ? bytes.count : Int.random(in: 1...40, using: &random)
      let end = min(bytes.count, start + size)
      pieces.append(Array(bytes[start..<end]))
      start = end
    }
    return pieces
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    let place = Int.random(in: 0...bytes.count, using: &random)
    let end = min(bytes.count, place + Int.random(in: 1...16, using: &random))
    switch Int.random(in: 0..<7, using: &random) {
    case 0 where place < bytes.count: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
    case 1 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 2: bytes.removeSubrange(place..<end)
    case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
    case 4 where !words.isEmpty:
      bytes.insert(contentsOf: words[Int.random(in: 0..<words.count, using: &random)], at: place)
    case 5:
      let other = corpus[Int.random(in: 0..<corpus.count, using: &random)]
      bytes.replaceSubrange(place..., with: other.suffix(Int.random(in: 0...other.count, using: &random)))
    default: bytes.insert(UInt8.random(in: .min ... .max, using: &random), at: place)
    }
  }
}
