// SPDX-License-Identifier: Apache-2.0

/// The characters of a cloud-config.
struct UserDataText {
  /// The text with `\n` for every line break.
  let scalars: [Unicode.Scalar]

  /// Decodes a text whose first line has a number.
  init(_ bytes: [UInt8], firstLine: Int = 1) throws(YAMLError) {
    let start = SourceMark(line: firstLine, column: 1)
    guard bytes.count <= YAMLLimits.documentBytes else {
      throw YAMLError(start, "a document of \(bytes.count) bytes; at most \(YAMLLimits.documentBytes) are read")
    }
    scalars = try Self.decode(bytes, from: start)
  }

  /// The lines of the text.
  var lines: [ArraySlice<Unicode.Scalar>] {
    scalars.split(separator: "\n", omittingEmptySubsequences: false)
  }

  private static func decode(_ bytes: [UInt8], from start: SourceMark) throws(YAMLError) -> [Unicode.Scalar] {
    var scalars: [Unicode.Scalar] = []
    scalars.reserveCapacity(bytes.count)
    var mark = start
    var iterator = bytes.makeIterator()
    var decoder = UTF8()
    var isAfterReturn = false
    decoding: while true {
      switch decoder.decode(&iterator) {
      case .emptyInput: break decoding
      case .error: throw YAMLError(mark, "this is not UTF-8")
      case .scalarValue("\n") where isAfterReturn: isAfterReturn = false
      case .scalarValue(let scalar):
        isAfterReturn = scalar == "\r"
        guard isAllowed(scalar) else {
          throw YAMLError(
            mark,
            "a control character (U+\(String(scalar.value, radix: 16, uppercase: true))) stands here"
          )
        }
        if scalar == "\n" || scalar == "\r" {
          scalars.append("\n")
          mark = SourceMark(line: mark.line + 1, column: 1)
        } else {
          scalars.append(scalar)
          mark.column += 1
        }
      }
    }
    return scalars
  }

  private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0a, 0x0d, 0x85: true
    case 0..<0x20, 0x7f..<0xa0, 0xfffe, 0xffff: false
    default: true
    }
  }
}
