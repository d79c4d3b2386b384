// SPDX-License-Identifier: Apache-2.0

/// Numbers with fractions as Go's `strconv` writes them.
enum GoFloat {
  enum Form { case exponent, fixed, general }

  /// A number's text.
  ///
  /// `precision` counts digits after the point, or in all for `general`; nil is as few as tell the number apart.
  static func text(_ number: Double, _ form: Form, precision: Int?) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Inf" : "+Inf" }
    var decimal = DecimalDigits(number.magnitude, isShortest: precision == nil)
    let sign = number.sign == .minus ? "-" : ""
    switch form {
    case .exponent:
      if let precision { decimal.round(to: precision + 1) }
      return sign + exponent(decimal, digits: precision ?? max(0, decimal.digits.count - 1))
    case .fixed:
      if let precision { decimal.round(to: decimal.point + precision) }
      return sign + fixed(decimal, digits: precision ?? max(0, decimal.digits.count - decimal.point))
    case .general:
      var limit = 6
      if let precision {
        let wanted = max(1, precision)
        decimal.round(to: wanted)
        limit = wanted > decimal.digits.count && decimal.digits.count >= decimal.point ? decimal.digits.count : wanted
      }
      // Of zero it is -1, so that zero has no exponent.
      let exponentValue = decimal.point - 1
      if exponentValue < -4 || exponentValue >= limit {
        return sign + exponent(decimal, digits: max(0, decimal.digits.count - 1))
      }
      return sign + fixed(decimal, digits: max(0, decimal.digits.count - decimal.point))
    }
  }

  private static func exponent(_ decimal: DecimalDigits, digits: Int) -> String {
    var text = String(decimal.digit(0))
    if digits > 0 { text += "." + (1...digits).map { String(decimal.digit($0)) }.joined() }
    let value = decimal.digits.isEmpty ? 0 : decimal.point - 1
    let magnitude = String(abs(value))
    return text + "e" + (value < 0 ? "-" : "+") + (magnitude.count < 2 ? "0" : "") + magnitude
  }

  private static func fixed(_ decimal: DecimalDigits, digits: Int) -> String {
    var text = decimal.point > 0 ? (0..<decimal.point).map { String(decimal.digit($0)) }.joined() : "0"
    if digits > 0 { text += "." + (0..<digits).map { String(decimal.digit(decimal.point + $0)) }.joined() }
    return text
  }
}

/// A number of base ten: its digits, and where the point stands among them.
struct DecimalDigits {
  /// From the first that is not zero to the last that is not.
  private(set) var digits: [UInt8] = []
  /// How many digits stand before the point; below zero when zeros follow it.
  private(set) var point = 0

  /// Takes as few digits as tell the number apart, or all it has.
  init(_ number: Double, isShortest: Bool) {
    guard number > 0 else { return }
    if isShortest {
      parse(number.description)
    } else {
      expand(number)
    }
    trim()
  }

  func digit(_ index: Int) -> UInt8 { digits.indices.contains(index) ? digits[index] : 0 }

  /// Takes the first digits, the last of them rounded to even from the middle.
  mutating func round(to count: Int) {
    guard count < digits.count else { return }
    guard count >= 0 else {
      digits = []
      return
    }
    let next = digits[count]
    let isExactMiddle = next == 5 && count + 1 == digits.count
    let roundsUp = isExactMiddle ? count > 0 && digits[count - 1] % 2 == 1 : next >= 5
    digits = Array(digits[..<count])
    if roundsUp {
      while let last = digits.last, last == 9 { digits.removeLast() }
      if digits.isEmpty {
        digits = [1]
        point += 1
      } else {
        digits[digits.count - 1] += 1
      }
    }
    trim()
  }

  private mutating func trim() {
    let zeros = digits.prefix { $0 == 0 }.count
    digits.removeFirst(zeros)
    point -= zeros
    while digits.last == 0 { digits.removeLast() }
    if digits.isEmpty { point = 0 }
  }

  /// Reads `12.5` or `1e-07`.
  private mutating func parse(_ text: String) {
    let parts = text.split(separator: "e")
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    digits = mantissa.joined().utf8.map { $0 - 0x30 }
    point = mantissa[0].utf8.count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
  }

  /// All digits of a number that is a whole one times a power of two.
  private mutating func expand(_ number: Double) {
    var significand = number.significandBitPattern
    var exponent = Int(number.exponentBitPattern) - 1075
    if number.isNormal { significand |= 1 << 52 } else { exponent += 1 }
    digits = String(significand).utf8.map { $0 - 0x30 }
    point = digits.count
    while exponent > 0 {
      double()
      exponent -= 1
    }
    while exponent < 0 {
      halve()
      exponent += 1
    }
  }

  private mutating func double() {
    var carry: UInt8 = 0
    for index in digits.indices.reversed() {
      let value = digits[index] * 2 + carry
      digits[index] = value % 10
      carry = value / 10
    }
    if carry > 0 {
      digits.insert(carry, at: 0)
      point += 1
    }
  }

  private mutating func halve() {
    var remainder: UInt8 = 0
    for index in digits.indices {
      let value = remainder * 10 + digits[index]
      digits[index] = value / 2
      remainder = value % 2
    }
    if remainder > 0 { digits.append(5) }
  }
}
