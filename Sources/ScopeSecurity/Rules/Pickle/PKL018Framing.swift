import ScopeFormats

/// PKL018: Protocol or frame opcodes where no pickler writes them. PROTO twice or not first, an unknown
/// protocol, FRAME inside a frame or longer than the file, text numbers that only lenient readers accept.
enum PKL018: PickleRule {
  static let description = RuleDescription(
    id: "PKL018", severity: .medium, title: "Protocol or frame opcodes where no pickler writes them",
    detects: "PROTO twice or not first, an unknown protocol, FRAME inside a frame or longer than the file, "
      + "text numbers that only lenient readers accept.",
    why: "Readers differ in what they accept; such files are made to be read differently by a scanner "
      + "and by Python.",
    example: "PROTO 4; PROTO 2; ...",
    mitigation: "Ask for a file written by an unmodified pickler.",
    references: ["CWE-436", "CWE-502"])

  static func findings(in pickle: PickleAnalysis) -> [Finding] {
    var findings: [Finding] = []
    // A file that was cut off loses the end of its frame: that is no trick of framing.
    let isCutOff = pickle.run.problem?.code == .truncated
    for event in pickle.run.events {
      guard case .anomaly(let anomaly) = event.kind, findings.count < 8 else { continue }
      let detail: String
      switch anomaly {
      case .misplacedProtocol: detail = "PROTO is not the first opcode"
      case .duplicateProtocol: detail = "a second PROTO"
      case .unknownProtocol(let version): detail = "protocol \(version)"
      case .misplacedFrame: detail = "a FRAME inside a frame"
      case .frameBeyondEnd where isCutOff: continue
      case .frameBeyondEnd(let declared): detail = "a FRAME of \(declared) bytes reaches beyond the end"
      case .oddText(let opcode): detail = "\(opcode) with text that only lenient readers accept"
      default: continue
      }
      findings.append(finding(detail, place: pickle.place(event.offset)))
    }
    return findings
  }
}
