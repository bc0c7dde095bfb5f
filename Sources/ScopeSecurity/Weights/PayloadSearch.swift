import ScopeBytes

/// Looks for payloads in a file's weights.
struct PayloadSearch {
  let file: ByteSlice
  let tensors: [WeightTensor]

  /// Elements whose low 1 to 7 bits are put together, from the start of each tensor.
  static let bitElements = 1 << 16
  /// Elements whose low bytes are put together at a time.
  private static let chunk = 1 << 20

  /// - Returns: evidence, tensor and byte of the file, in order of the file.
  func findings(limit: Int) -> [(String, String?, Int?)] {
    var found = embedded(limit: limit)
    for tensor in tensors where found.count < limit {
      if tensor.bytes.offset == 0 || tensor.bytes.endOffset > file.count {
        found += embedded(in: tensor, limit: limit)
      }
      guard let low = LowBits(tensor) else {
        if let text = EmbeddedFiles.text(in: tensor.bytes.prefix(1 << 26).array) {
          found.append(
            ("text in the elements: '\(text.sample)'", tensor.name, tensor.bytes.offset + text.offset))
        }
        continue
      }
      if let evidence = Self.payload(in: low) { found.append((evidence, tensor.name, tensor.bytes.offset)) }
    }
    return Array(found.prefix(limit))
  }

  /// Files in the bytes as they are. Archives and pickles belong into many formats; inside a tensor they do not.
  private func embedded(limit: Int) -> [(String, String?, Int?)] {
    let ordered = tensors.sorted { $0.bytes.offset < $1.bytes.offset }
    return EmbeddedFiles.search(file, limit: 1000).compactMap { offset, kind -> (String, String?, Int?)? in
      var (lower, upper) = (0, ordered.count)
      while lower < upper {
        let middle = (lower + upper) / 2
        if ordered[middle].bytes.offset <= offset { lower = middle + 1 } else { upper = middle }
      }
      let tensor = lower > 0 && ordered[lower - 1].bytes.endOffset > offset ? ordered[lower - 1] : nil
      let isElsewhere = kind.contains("ZIP") || kind.contains("pickle")
      guard offset > 0, tensor != nil || !isElsewhere else { return nil }
      return ("\(kind) in the \(tensor == nil ? "file" : "elements")", tensor?.name, offset)
    }
  }

  private func embedded(in tensor: WeightTensor, limit: Int) -> [(String, String?, Int?)] {
    EmbeddedFiles.search(tensor.bytes, limit: limit).map {
      ("\($0.kind) in the elements", tensor.name, $0.offset)
    }
  }

  private static func payload(in low: LowBits) -> String? {
    for bytes in 1..<low.width where bytes <= 3 {
      for start in stride(from: 0, to: low.count, by: chunk) {
        let stream = low.stream(bytes: bytes, start..<min(start + chunk, low.count))
        let place = "the low \(bytes == 1 ? "byte" : "\(bytes) bytes") of the elements, in order"
        if let file = EmbeddedFiles.search(ByteSlice(stream), limit: 1).first {
          return "\(file.kind) in \(place), from element \(start + file.offset / bytes)"
        }
        if let text = EmbeddedFiles.text(in: stream) {
          return "text in \(place), from element \(start + text.offset / bytes): '\(text.sample)'"
        }
      }
    }
    for bits in 1..<8 {
      for highFirst in [true, false] {
        let stream = low.stream(bits: bits, elements: bitElements, highFirst: highFirst)
        let place = "the low \(bits == 1 ? "bit" : "\(bits) bits") of the elements, in order"
        if let file = EmbeddedFiles.search(ByteSlice(stream), limit: 1).first {
          return "\(file.kind) in \(place), from element \(file.offset * 8 / bits)"
        }
        if let text = EmbeddedFiles.text(in: stream) {
          return "text in \(place), from element \(text.offset * 8 / bits): '\(text.sample)'"
        }
      }
    }
    if let rhythm = low.rhythm() {
      return
        "bit \(rhythm.bit) of the elements depends on their position modulo 8 from element \(rhythm.start) on, in \(rhythm.blocks) blocks of \(LowBits.block) (chi-squared \(Int(rhythm.statistic)), 7 degrees of freedom); their high bits do not"
    }
    if let run = low.constantExponent() {
      return
        "\(run.length) elements from \(run.start) on have the same exponent, both signs and varying mantissas: whole bytes replaced"
    }
    if let stretch = low.liveStretch() {
      return
        "low bits are in use in \(stretch.length) elements from \(stretch.start) on and zero everywhere else, which is half precision"
    }
    return nil
  }
}
