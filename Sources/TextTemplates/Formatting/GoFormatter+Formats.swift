// SPDX-License-Identifier: Apache-2.0

/// Formats such as `%-8.2f|%[2]s`.
extension GoFormatter {
  /// A format that is being read.
  private struct Reading {
    let format: [UInt8]
    let values: [TemplateValue]
    var offset = 0
    var next = 0
    /// Whether a verb named its value by number, so that values left over are no mistake.
    var isReordered = false
    /// Whether the number that was named is that of a value.
    var isGoodIndex = true

    var byte: UInt8? { offset < format.count ? format[offset] : nil }

    mutating func take() -> TemplateValue? {
      guard next < values.count else { return nil }
      next += 1
      return values[next - 1]
    }
  }

  /// The widest width and precision; Go has the same.
  private static let widest = 1_000_000

  /// `Sprintf`.
  mutating func print(format: [UInt8], _ values: [TemplateValue]) {
    var reading = Reading(format: format, values: values)
    while let byte = reading.byte {
      guard byte == UInt8(ascii: "%") else {
        let end = format[reading.offset...].firstIndex(of: UInt8(ascii: "%")) ?? format.count
        write(Array(format[reading.offset..<end]))
        reading.offset = end
        continue
      }
      reading.offset += 1
      writeVerb(&reading)
      guard !isTruncated else { return }
    }
    flags = Flags()
    if !reading.isReordered, reading.next < values.count { writeExtra(Array(values[reading.next...])) }
  }

  private mutating func writeExtra(_ values: [TemplateValue]) {
    write("%!(EXTRA ")
    for (index, value) in values.enumerated() {
      if index > 0 { write(", ") }
      writeTyped(value)
    }
    write(")")
  }

  private mutating func writeVerb(_ reading: inout Reading) {
    flags = Flags()
    reading.isGoodIndex = true
    readFlags(&reading)
    var afterIndex = readIndex(&reading)
    if reading.byte == UInt8(ascii: "*") {
      reading.offset += 1
      readStarWidth(&reading)
      afterIndex = false
    } else if let width = readNumber(&reading) {
      flags.width = width
      if afterIndex { reading.isGoodIndex = false }
    }
    if reading.byte == UInt8(ascii: ".") {
      reading.offset += 1
      if afterIndex { reading.isGoodIndex = false }
      afterIndex = readIndex(&reading)
      if reading.byte == UInt8(ascii: "*") {
        reading.offset += 1
        readStarPrecision(&reading)
        afterIndex = false
      } else {
        flags.precision = readNumber(&reading) ?? 0
      }
    }
    if !afterIndex { _ = readIndex(&reading) }
    guard reading.offset < reading.format.count else { return write("%!(NOVERB)") }
    let (verb, length) = UTF8Scalars.scalar(in: reading.format, at: reading.offset)
    reading.offset += length
    if verb == "%" { return write("%") }
    guard reading.isGoodIndex else { return write("%!\(verb)(BADINDEX)") }
    guard let value = reading.take() else { return write("%!\(verb)(MISSING)") }
    write(value, verb: verb)
  }

  private mutating func readFlags(_ reading: inout Reading) {
    while let byte = reading.byte {
      switch byte {
      case UInt8(ascii: "#"): flags.sharp = true
      case UInt8(ascii: "0"): flags.zero = !flags.minus
      case UInt8(ascii: "+"): flags.plus = true
      case UInt8(ascii: "-"):
        flags.minus = true
        flags.zero = false
      case UInt8(ascii: " "): flags.space = true
      default: return
      }
      reading.offset += 1
    }
  }

  private func readNumber(_ reading: inout Reading) -> Int? {
    var number: Int?
    while let byte = reading.byte, (0x30...0x39).contains(byte) {
      let value = (number ?? 0) * 10 + Int(byte - 0x30)
      reading.offset += 1
      guard value <= Self.widest else { return nil }
      number = value
    }
    return number
  }

  /// Reads `[2]`.
  ///
  /// - Returns: Whether there was one.
  private func readIndex(_ reading: inout Reading) -> Bool {
    guard reading.byte == UInt8(ascii: "[") else { return false }
    reading.isReordered = true
    guard let close = reading.format[reading.offset...].firstIndex(of: UInt8(ascii: "]")) else {
      reading.isGoodIndex = false
      reading.offset += 1
      return false
    }
    let digits = reading.format[(reading.offset + 1)..<close]
    reading.offset = close + 1
    guard let number = Int(String(decoding: digits, as: UTF8.self)), number >= 1, number <= reading.values.count else {
      reading.isGoodIndex = false
      return true
    }
    reading.next = number - 1
    return true
  }

  private mutating func readStarWidth(_ reading: inout Reading) {
    guard case .integer(let width, _) = reading.take(), abs(width) <= Self.widest else { return write("%!(BADWIDTH)") }
    flags.width = abs(width)
    if width < 0 {
      flags.minus = true
      flags.zero = false
    }
  }

  private mutating func readStarPrecision(_ reading: inout Reading) {
    guard case .integer(let precision, _) = reading.take(), precision <= Self.widest else {
      return write("%!(BADPREC)")
    }
    // Below zero is as if none was given.
    flags.precision = precision < 0 ? nil : precision
    if precision < 0 { write("%!(BADPREC)") }
  }
}
