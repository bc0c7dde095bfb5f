import ScopeBytes

extension FileScan {
  /// Scans a `.py` member: TorchScript code, or a module of a torch.package archive, which runs when it is imported.
  mutating func scanCode(
    _ data: ByteSlice, _ member: ZipMember, in subject: ArchiveSubject, isScript: Bool
  ) {
    let name = subject.qualified(member.name)
    let isPackage = subject.archive.members.contains { $0.name.hasSuffix(".data/extern_modules") }
    if isPackage {
      add(PT004.findings(package: data, member: name))
    } else if isScript {
      add(PT004.findings(code: data, member: name))
    }
  }

  /// Scans pickles that a JSON member holds as base64 text under `:serialized:`: how Stable-Baselines3 stores what JSON
  /// cannot (stable_baselines3/common/save_util.py), and loads with cloudpickle.
  mutating func scanSerialized(_ data: ByteSlice, member: String, depth: Int) {
    let key = Array("\":serialized:\"".utf8)
    guard data.count <= limits.expandedBytes, data.count > key.count, data[0] == 0x7B || data[0] == 0x5B
    else { return }
    var position = 0
    for number in 0..<1000 {
      guard let found = data.firstIndex(of: key, from: position) else { return }
      position = found + key.count
      guard let start = data.firstIndex(of: [0x22], from: position),
        let end = data.firstIndex(of: [0x22], from: start + 1)
      else { return }
      position = end + 1
      // A line break in JSON text is the two characters `\n`.
      let text = ByteSlice(Self.withoutLineBreaks(data.dropFirst(start + 1).prefix(end - start - 1).array))
      guard let pickle = PickleAnalysis.base64(text), pickle.count >= 2 else { continue }
      _ = scanPickle(pickle, member: "\(member)!serialized[\(number)]", depth: depth + 1)
    }
    leaveOut(
      ScopeError(.limitExceeded, "the member holds too many serialized values", expected: "at most 1000"),
      member: member)
  }

  private static func withoutLineBreaks(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var position = 0
    while position < text.count {
      if text[position] == 0x5C {
        position += 2
      } else {
        result.append(text[position])
        position += 1
      }
    }
    return result
  }

  /// Scans the schema of a skops archive (skops/io/_persist.py).
  mutating func scanSkops(_ data: ByteSlice, member: String) {
    // A schema.json of something else has no loaders.
    guard data.firstIndex(of: Array("__loader__".utf8)) != nil else { return }
    do throws(ScopeError) {
      let (schema, _) = try JSONScanner.parse(data)
      add(SKP001.findings(in: schema, member: member))
    } catch {
      leaveOut(error, member: member)
    }
  }
}
