// SPDX-License-Identifier: Apache-2.0

/// An array in pieces of equal size: growing moves no element, and a change of a copy copies one piece.
///
/// So a tree of a million nodes grows without a pause, and a snapshot that holds a copy costs later writes little.
struct ChunkedArray<Element: Sendable>: Sendable {
  private static var chunkBits: Int { 8 }
  private static var chunkCount: Int { 1 << chunkBits }

  private var chunks: [[Element]] = []
  private(set) var count = 0

  subscript(position: Int) -> Element {
    _read { yield chunks[position >> Self.chunkBits][position & (Self.chunkCount - 1)] }
    _modify { yield &chunks[position >> Self.chunkBits][position & (Self.chunkCount - 1)] }
  }

  mutating func append(_ element: Element) {
    if count & (Self.chunkCount - 1) == 0 {
      var chunk: [Element] = []
      // A small tree keeps its only piece small.
      if count > 0 { chunk.reserveCapacity(Self.chunkCount) }
      chunks.append(chunk)
    }
    chunks[chunks.count - 1].append(element)
    count += 1
  }
}
