// SPDX-License-Identifier: Apache-2.0

/// Numbers.
extension GoFormatter {
  mutating func write(_ number: Int, _ kind: GoType.IntegerKind, _ verb: Unicode.Scalar) {
    switch verb {
    case "v" where flags.sharp && !kind.isSigned: write("0x\(String(number, radix: 16))")
    case "v", "d": write(number, radix: 10)
    case "b": write(number, radix: 2, prefix: "0b")
    case "o": write(number, radix: 8, prefix: "0")
    case "O": write(number, radix: 8, prefix: "0o", always: true)
    case "x": write(number, radix: 16, prefix: "0x")
    case "X": write(number, radix: 16, prefix: "0X", upper: true)
    case "c": pad(Array(Self.scalar(number).utf8))
    case "q": pad(GoQuoting.quoted(Self.scalar(number), asciiOnly: flags.plus))
    case "U": pad(GoQuoting.unicodeName(Self.scalar(number), showsCharacter: flags.sharp))
    default: writeBadVerb(verb, .integer(number, kind))
    }
  }

  private static func scalar(_ number: Int) -> Unicode.Scalar {
    UInt32(exactly: number).flatMap { Unicode.Scalar($0) } ?? "\u{FFFD}"
  }

  private mutating func write(
    _ number: Int,
    radix: Int,
    prefix: String = "",
    always: Bool = false,
    upper: Bool = false
  ) {
    let outer = flags
    defer { flags = outer }
    // A precision of zero writes nothing for zero.
    if flags.precision == 0, number == 0 {
      flags.zero = false
      return pad("")
    }
    var digits = String(number.magnitude, radix: radix, uppercase: upper)
    var least = flags.precision ?? 0
    if flags.precision == nil, flags.zero, let width = flags.width {
      least = width - (number < 0 || flags.plus || flags.space ? 1 : 0)
    }
    if digits.utf8.count < least { digits = String(repeating: "0", count: least - digits.utf8.count) + digits }
    if always || flags.sharp && !(prefix == "0" && digits.hasPrefix("0")) { digits = prefix + digits }
    let sign = number < 0 ? "-" : flags.plus ? "+" : flags.space ? " " : ""
    flags.zero = false
    pad(sign + digits)
  }

  mutating func write(_ number: Double, _ verb: Unicode.Scalar) {
    let digits: String
    switch verb {
    case "v": digits = GoFloat.text(number, .general, precision: flags.precision)
    case "g", "G": digits = GoFloat.text(number, .general, precision: flags.precision)
    case "e", "E": digits = GoFloat.text(number, .exponent, precision: flags.precision ?? 6)
    case "f", "F": digits = GoFloat.text(number, .fixed, precision: flags.precision ?? 6)
    default: return writeBadVerb(verb, .float(number))
    }
    var text = verb == "E" || verb == "G" ? digits.uppercased() : digits
    if !number.isFinite { text = digits }
    let isNegative = text.hasPrefix("-")
    if isNegative { text.removeFirst() }
    let sign = isNegative ? "-" : flags.plus || text == "+Inf" && flags.plus ? "+" : flags.space ? " " : ""
    let outer = flags
    defer { flags = outer }
    if !number.isFinite { flags.zero = false }
    // The sign stands before the zeros that fill the width.
    if flags.zero, !sign.isEmpty, let width = flags.width {
      flags.width = max(0, width - 1)
      write(sign)
      return pad(text)
    }
    pad(sign + text)
  }
}
