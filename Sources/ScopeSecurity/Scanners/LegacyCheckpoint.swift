import ScopeBytes
import ScopeFormats

/// The layout of `torch.save` before PyTorch 1.6 (torch/serialization.py, `_legacy_save`).
enum LegacyCheckpoint {
  /// 0x1950a86a20f9469cfc6c, little-endian.
  private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

  /// Whether the stream's result is the magic number.
  static func isMagic(_ run: PickleRun) -> Bool {
    guard let result = run.result, case .bigInt(.twosComplement(let bytes)) = run.value(result) else {
      return false
    }
    return bytes.array == magic
  }

  /// Whether the first stream holds the number although its result is something else.
  static func claimsMagic(_ bytes: ByteSlice, _ run: PickleRun) -> Bool {
    run.problem == nil
      && run.objects.prefix(1000).contains { object in
        if case .bigInt(.twosComplement(let bytes)) = object.value { bytes.array == magic } else { false }
      }
  }

  /// What is not as `torch.save` writes it: stream, evidence, byte.
  static func problems(_ runs: [PickleRun]) -> [(String, String, Int)] {
    var problems: [(String, String, Int)] = []
    for (index, run) in runs.prefix(3).enumerated() {
      let name = ["magic number", "protocol", "system information"][index]
      if run.events.contains(where: { if case .global = $0.kind { true } else { false } }) {
        problems.append((name, "the stream imports names", run.startOffset))
      } else if index == 0, !isMagic(run) {
        problems.append((name, "the stream returns something else", run.startOffset))
      }
    }
    if runs.count > 1, let result = runs[1].result, runs[1].integer(result) != 1001 {
      problems.append(("protocol", "it is not 1001", runs[1].startOffset))
    }
    if runs.count > 2, let result = runs[2].result {
      if case .dict = runs[2].value(result) {
      } else {
        problems.append(("system information", "it is not a dictionary", runs[2].startOffset))
      }
    }
    return problems
  }

  /// Bytes that the storages need beyond the end of the file; nil when all are there or it cannot be told.
  static func missingBytes(_ runs: [PickleRun], in bytes: ByteSlice) -> Int? {
    guard runs.count == 5, let result = runs[4].result, let keys = runs[4].elements(result) else {
      return nil
    }
    var needed: [String: Int] = [:]
    for event in runs[3].events {
      guard case .persistentID(let id) = event.kind, let items = runs[3].elements(id), items.count >= 5,
        runs[3].text(items[0]) == "storage", let type = runs[3].global(items[1]),
        let key = runs[3].text(items[2]),
        let count = runs[3].integer(items[4]), count >= 0, count < 1 << 48
      else { continue }
      needed[key] = count * StorageType.elementSize(type.name)
    }
    var total = 0
    for key in keys.prefix(1_000_000) {
      guard let name = runs[4].text(key) else { return nil }
      let (sum, overflow) = total.addingReportingOverflow(8 + (needed[name] ?? 0))
      if overflow { return Int.max }
      total = sum
    }
    let available = bytes.count - runs[4].endOffset
    return total > available ? total - available : nil
  }
}

/// Element sizes of PyTorch's storage classes.
enum StorageType {
  /// Bytes of one element; 1 for types that this version does not know, so that nothing is over-estimated.
  static func elementSize(_ name: String) -> Int {
    switch name {
    case "DoubleStorage", "LongStorage", "ComplexFloatStorage": 8
    case "ComplexDoubleStorage": 16
    case "FloatStorage", "IntStorage", "QInt32Storage": 4
    case "HalfStorage", "BFloat16Storage", "ShortStorage": 2
    default: 1
    }
  }
}
