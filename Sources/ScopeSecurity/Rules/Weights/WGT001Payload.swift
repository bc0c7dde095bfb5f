/// WGT001: A payload hidden in weights. Read only when weights are read (--deep). In tensor bytes, and in streams put
/// together from the low 1 to 24 bits of their elements: programs, archives, pickles and scripts whose headers are
/// valid, and text. In the low bits themselves: a rhythm of eight that the high bits do not have (bytes written bit by
/// bit), exponents held constant while signs vary (whole-byte replacement), low bits alive in one stretch of a tensor
/// whose other low bits are all zero.
enum WGT001: ReadingRule {
  static let description = RuleDescription(
    id: "WGT001", severity: .medium, title: "A payload hidden in weights",
    detects:
      "Read only when weights are read (--deep). In tensor bytes, and in streams put together from the "
      + "low 1 to 24 bits of their elements: programs, archives, pickles and scripts whose headers are valid, "
      + "and text. In the low bits themselves: a rhythm of eight that the high bits do not have (bytes written "
      + "bit by bit), exponents held constant while signs vary (whole-byte replacement), low bits alive in one "
      + "stretch of a tensor whose other low bits are all zero.",
    why:
      "Weights carry megabytes that no other check looks at; a loader placed elsewhere takes the program out "
      + "and runs it. An encrypted payload in bits that are random anyway, or one spread over many weights, "
      + "cannot be told from ordinary weights by any statistic, and is not found.",
    example: "the low byte of every element of conv1.weight, in order, is an ELF program",
    mitigation:
      "Do not use the file. Rounding the weights (float16, quantization) destroys what low bits hold.",
    references: ["MITRE ATLAS AML.T0018.002", "arXiv 2409.19310", "arXiv 2310.01969", "arXiv 2107.08590"])

  static func found(_ evidence: String, tensor: String?, offset: Int? = nil) -> Finding {
    finding(
      evidence,
      place: FindingPlace(
        member: tensor.map { PickleAnalysis.printable(String($0.prefix(200))) }, offset: offset))
  }
}
