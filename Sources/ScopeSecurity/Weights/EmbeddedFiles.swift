import ScopeBytes
import ScopeFormats

/// Finds files inside other bytes by headers that are valid as a whole, not by magic numbers, which random weights
/// contain by the thousand.
enum EmbeddedFiles {
  /// Bytes that a file searched for can begin with.
  private static let beginnings: [Bool] = {
    var table = [Bool](repeating: false, count: 256)
    for byte in [0x7F, 0x4D, 0x50, 0x1F, 0x37, 0xFD, 0x42, 0x52, 0xCF, 0xCE, 0xFE, 0x80, 0x23] {
      table[byte] = true
    }
    return table
  }()

  /// - Returns: positions and what begins there, at most `limit`.
  static func search(_ bytes: ByteSlice, limit: Int = 20) -> [(offset: Int, kind: String)] {
    var found: [(Int, String)] = []
    bytes.withUnsafeBytes { raw in
      let count = raw.count - 16
      guard count > 0 else { return }
      beginnings.withUnsafeBufferPointer { table in
        var position = 0
        while position < count {
          if table[Int(raw[position])], isCandidate(raw, position), let kind = kind(bytes.dropFirst(position))
          {
            found.append((position, kind))
            if found.count >= limit { return }
            position += 15
          }
          position += 1
        }
      }
    }
    return found
  }

  /// The next bytes of the magic number; `position + 16` lies inside.
  @inline(__always)
  private static func isCandidate(_ raw: UnsafeRawBufferPointer, _ position: Int) -> Bool {
    let second = raw[position + 1]
    switch raw[position] {
    case 0x7F: return second == 0x45 && raw[position + 2] == 0x4C && raw[position + 3] == 0x46
    case 0x4D: return second == 0x5A
    case 0x50: return second == 0x4B && raw[position + 2] == 3 && raw[position + 3] == 4
    case 0x1F: return second == 0x8B && raw[position + 2] == 8 && raw[position + 3] & 0xE0 == 0
    case 0x37: return second == 0x7A && raw[position + 2] == 0xBC && raw[position + 3] == 0xAF
    case 0xFD: return second == 0x37 && raw[position + 2] == 0x7A && raw[position + 3] == 0x58
    case 0x42: return second == 0x5A && raw[position + 2] == 0x68
    case 0x52: return second == 0x61 && raw[position + 2] == 0x72 && raw[position + 3] == 0x21
    case 0xCF, 0xCE: return second == 0xFA && raw[position + 2] == 0xED && raw[position + 3] == 0xFE
    case 0xFE: return second == 0xED && raw[position + 2] == 0xFA
    case 0x80: return second >= 2 && second <= 5
    case 0x23: return second == 0x21 && raw[position + 2] == 0x2F
    default: return false
    }
  }

  private static func kind(_ bytes: ByteSlice) -> String? {
    switch bytes[0] {
    case 0x7F: isELF(bytes) ? "an ELF program" : nil
    case 0x4D: isPE(bytes) ? "a Windows program" : nil
    case 0x50: isZip(bytes) ? "a ZIP archive" : nil
    case 0x1F: isGzip(bytes) ? "a gzip stream" : nil
    case 0x37: bytes.starts(with: [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C, 0]) ? "a 7z archive" : nil
    case 0xFD: bytes.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0, 0]) ? "an xz stream" : nil
    case 0x42:
      bytes.dropFirst(4).starts(with: [0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) ? "a bzip2 stream" : nil
    case 0x52: bytes.starts(with: [0x52, 0x61, 0x72, 0x21, 0x1A, 7]) ? "a RAR archive" : nil
    case 0xCF, 0xCE, 0xFE: isMachO(bytes) ? "a Mach-O program" : nil
    case 0x80: isPickle(bytes) ? "a pickle that imports names" : nil
    case 0x23: isScript(bytes) ? "a script with an interpreter line" : nil
    default: nil
    }
  }

  private static func number<T: FixedWidthInteger>(_ bytes: ByteSlice, _ position: Int, _ type: T.Type) -> Int
  {
    (try? bytes.integer(at: position, as: T.self)).map { Int($0) } ?? -1
  }

  /// ELF-64 or -32 (System V ABI, chapter 4): identification, type, machine, version and header sizes agree.
  private static func isELF(_ bytes: ByteSlice) -> Bool {
    guard bytes.count >= 52, bytes[4] == 1 || bytes[4] == 2, bytes[5] == 1 || bytes[5] == 2, bytes[6] == 1
    else {
      return false
    }
    if bytes[5] == 2 {
      return bytes[7] <= 18 && bytes[16] == 0 && (1...4).contains(bytes[17]) && bytes[23] == 1
    }
    let headerSize = number(bytes, bytes[4] == 2 ? 52 : 40, UInt16.self)
    return (1...4).contains(number(bytes, 16, UInt16.self)) && number(bytes, 20, UInt32.self) == 1
      && headerSize == (bytes[4] == 2 ? 64 : 52)
  }

  private static func isPE(_ bytes: ByteSlice) -> Bool {
    let header = number(bytes, 0x3C, UInt32.self)
    guard header >= 0x40, header <= 4096, bytes.dropFirst(header).starts(with: [0x50, 0x45, 0, 0]) else {
      return false
    }
    let magic = number(bytes, header + 24, UInt16.self)
    return magic == 0x10B || magic == 0x20B
  }

  private static func isMachO(_ bytes: ByteSlice) -> Bool {
    guard bytes[0] != 0xFE, bytes.count >= 32 else {
      // Big-endian: processor 7, 12 or 18 with or without the 64-bit flag, then a small file type.
      return bytes.count >= 32 && (bytes[3] == 0xCE || bytes[3] == 0xCF) && [7, 12, 18].contains(bytes[7])
        && bytes[5] == 0 && bytes[6] == 0 && bytes[12] == 0 && bytes[13] == 0 && bytes[14] == 0
        && bytes[15] <= 12
    }
    return [7, 12, 18].contains(bytes[4]) && bytes[5] == 0 && bytes[6] == 0 && [0, 1].contains(bytes[7])
      && (1...12).contains(number(bytes, 12, UInt32.self))
      && (1...4096).contains(number(bytes, 16, UInt32.self))
  }

  /// A local header whose fields are possible, and another header or end record behind its member.
  private static func isZip(_ bytes: ByteSlice) -> Bool {
    let (version, method, size, name) = (
      number(bytes, 4, UInt16.self), number(bytes, 8, UInt16.self), number(bytes, 18, UInt32.self),
      number(bytes, 26, UInt16.self)
    )
    guard version <= 63, [0, 8, 9, 12, 14, 93, 95].contains(method), (1...512).contains(name),
      bytes.count > 30 + name,
      bytes.dropFirst(30).prefix(name).array.allSatisfy({ (0x20..<0x7F).contains($0) || $0 >= 0x80 })
    else { return false }
    let extra = number(bytes, 28, UInt16.self)
    let next = bytes.dropFirst(30 + name + extra + size)
    if size > 0, next.starts(with: [0x50, 0x4B]) { return true }
    return bytes.prefix(1 << 24).firstIndex(of: [0x50, 0x4B, 5, 6], from: 30) != nil
  }

  /// RFC 1952: flags, a plausible time, extra flags, system; then a deflate block type that exists.
  private static func isGzip(_ bytes: ByteSlice) -> Bool {
    let time = number(bytes, 4, UInt32.self)
    guard bytes[3] == 0 || bytes[3] == 8, [0, 2, 4].contains(bytes[8]), bytes[9] <= 13 || bytes[9] == 255,
      time == 0 || (946_684_800...2_208_988_800).contains(time)
    else { return false }
    var start = 10
    if bytes[3] == 8 {
      guard let end = bytes.prefix(300).firstIndex(of: [0], from: 10), end > 10,
        bytes.dropFirst(10).prefix(end - 10).array.allSatisfy({ (0x20..<0x7F).contains($0) })
      else { return false }
      start = end + 1
    }
    guard start < bytes.count else { return false }
    return (bytes[start] >> 1) & 3 != 3
  }

  private static func isPickle(_ bytes: ByteSlice) -> Bool {
    let beginnings: Set<UInt8> = [
      0x95, 0x8C, 0x7D, 0x5D, 0x63, 0x28, 0x58, 0x4B, 0x4A, 0x4D, 0x29, 0x55, 0x8A,
    ]
    guard beginnings.contains(bytes[2]) else { return false }
    if bytes[2] == 0x95, number(bytes, 3, Int64.self) > bytes.count || number(bytes, 3, Int64.self) < 1 {
      return false
    }
    let run = PickleMachine.run(bytes.prefix(1 << 20), limits: PickleLimits(opcodes: 10_000))
    guard run.problem == nil, run.opcodeCount > 3 else { return false }
    return run.events.contains { event in
      guard case .global(let id) = event.kind, let global = run.global(id) else { return false }
      let isName = { (text: String) in
        !text.isEmpty && text.utf8.allSatisfy { $0 == 0x2E || $0 == 0x5F || (0x30...0x7A).contains($0) }
      }
      return isName(global.module) && isName(global.name)
    }
  }

  private static func isScript(_ bytes: ByteSlice) -> Bool {
    guard let end = bytes.prefix(128).firstIndex(of: [0x0A]), end > 6,
      let line = bytes.prefix(end).utf8String, line.utf8.allSatisfy({ (0x20..<0x7F).contains($0) })
    else { return false }
    return line.contains("bin/") || line.hasPrefix("#!/usr")
  }

  /// The first stretch that reads like text: 48 characters mostly of small letters and blanks, or 96 printable ones of
  /// at least 24 kinds. Random bytes do that with probability below 1e-19; dequantized weights have fewer kinds.
  static func text(in bytes: [UInt8]) -> (offset: Int, sample: String)? {
    var start = 0
    var result: (Int, String)?
    bytes.withUnsafeBufferPointer { bytes in
      for position in 0...bytes.count {
        if position < bytes.count {
          let byte = bytes[position]
          if byte >= 0x20 && byte < 0x7F || byte == 0x0A || byte == 0x0D || byte == 0x09 { continue }
        }
        if position - start >= 48 {
          let run = bytes[start..<min(position, start + 4096)]
          let kinds = Set(run).count
          let small = run.reduce(0) { $0 + ($1 >= 0x61 && $1 <= 0x7A || $1 == 0x20 ? 1 : 0) }
          if kinds >= 12 && small * 4 >= run.count * 3 || run.count >= 96 && kinds >= 24 {
            result = (start, String(decoding: run.prefix(48), as: UTF8.self))
            return
          }
        }
        start = position + 1
      }
    }
    return result.map { ($0.0, PickleAnalysis.printable($0.1)) }
  }
}
