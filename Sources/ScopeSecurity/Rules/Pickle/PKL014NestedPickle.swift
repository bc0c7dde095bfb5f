import ScopeBytes
import ScopeFormats

/// PKL014: Holds another pickle in its bytes. A bytes, bytearray or string value parses to its end as a
/// pickle that imports names. It is medium when something in it is not known to be harmless, otherwise low.
/// Bytes that merely begin like a pickle are ignored.
enum PKL014: PickleRule {
  static let description = RuleDescription(
    id: "PKL014", severity: .medium, title: "Holds another pickle in its bytes",
    detects: "A bytes, bytearray or string value parses to its end as a pickle that imports names. It is "
      + "medium when something in it is not known to be harmless, otherwise low. Bytes that merely "
      + "begin like a pickle are ignored.",
    why: "An object inside the file can load the inner pickle later, when nobody scans.",
    example: "BINBYTES <80 04 ... 2e>",
    mitigation: "Find out what loads the inner bytes; convert the file to safetensors.",
    references: ["CWE-502", "MITRE ATLAS AML.T0011.000"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    guard pickle.role != .nested else { return [] }
    var findings: [Finding] = []
    var budget = 64 << 20
    for object in pickle.run.objects {
      let bytes: ByteSlice
      switch object.value {
      case .bytes(let value), .bytearray(let value), .string(let value): bytes = value
      default: continue
      }
      guard mayBePickle(bytes), bytes.count <= budget else { continue }
      budget -= bytes.count
      let inner = PickleAnalysis(bytes, member: pickle.member, role: .nested)
      guard inner.run.problem == nil, inner.run.endOffset == bytes.count, !inner.imports.isEmpty else {
        continue
      }
      let names = inner.imports.prefix(3).map(\.path).joined(separator: ", ")
      let isDangerous =
        inner.hasDangerousUse
        || inner.imports.contains {
          if case .dangerous = $0.judgement {
            true
          } else if case .reexport = $0.judgement {
            true
          } else {
            false
          }
        }
      findings.append(
        finding(
          "\(bytes.count) bytes that are a complete pickle importing \(names)",
          severity: isDangerous ? .medium : .low,
          place: pickle.place(object.offset)))
      if findings.count >= 8 { break }
    }
    return findings
  }

  /// Protocol 2 and later begin with PROTO; older ones end with STOP and begin with an opcode that imports.
  private static func mayBePickle(_ bytes: ByteSlice) -> Bool {
    guard bytes.count >= 8, bytes[bytes.count - 1] == 0x2E else { return false }
    if bytes[0] == 0x80 { return bytes[1] <= 5 }
    return bytes[0] == 0x63 || bytes[0] == 0x28 || bytes[0] == 0x5D || bytes[0] == 0x7D
  }
}
