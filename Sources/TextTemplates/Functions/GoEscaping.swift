// SPDX-License-Identifier: Apache-2.0

/// The escaping functions of templates.
enum GoEscaping {
  @Sendable static func html(_ bytes: [UInt8]) -> [UInt8] {
    bytes.flatMap { byte -> [UInt8] in
      switch byte {
      case 0: Array("\u{FFFD}".utf8)
      case UInt8(ascii: "\""): Array("&#34;".utf8)
      case UInt8(ascii: "'"): Array("&#39;".utf8)
      case UInt8(ascii: "&"): Array("&amp;".utf8)
      case UInt8(ascii: "<"): Array("&lt;".utf8)
      case UInt8(ascii: ">"): Array("&gt;".utf8)
      default: [byte]
      }
    }
  }

  @Sendable static func javaScript(_ bytes: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    var offset = 0
    while offset < bytes.count {
      let (scalar, length) = UTF8Scalars.scalar(in: bytes, at: offset)
      switch scalar {
      case "\\", "'", "\"": output += [UInt8(ascii: "\\"), bytes[offset]]
      case "<", ">", "&", "=": output += Array("\\u00\(GoQuoting.hex(scalar.value, digits: 2, upper: true))".utf8)
      case _ where scalar.value < 0x20:
        output += Array("\\u00\(GoQuoting.hex(scalar.value, digits: 2, upper: true))".utf8)
      case _ where scalar.value >= 0x80 && !GoQuoting.isPrintable(scalar):
        output += Array("\\u\(GoQuoting.hex(scalar.value, digits: 4, upper: true))".utf8)
      default: output += bytes[offset..<(offset + length)]
      }
      offset += length
    }
    return output
  }

  @Sendable static func urlQuery(_ bytes: [UInt8]) -> [UInt8] {
    bytes.flatMap { byte -> [UInt8] in
      switch byte {
      case UInt8(ascii: " "): return [UInt8(ascii: "+")]
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x30...0x39,
        UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "~"):
        return [byte]
      default: return Array("%\(GoQuoting.hex(UInt32(byte), digits: 2, upper: true))".utf8)
      }
    }
  }
}
