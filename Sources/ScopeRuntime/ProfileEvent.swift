import ScopeBytes

/// One operator execution from ONNX Runtime's profile.
public struct ProfileEvent: Sendable, Hashable {
  /// Use of the engine's arena after the execution, bytes.
  public struct Memory: Sendable, Hashable {
    public var inUse: Int
    /// Most that was in use at any time since the session was made.
    public var peak: Int

    public init(inUse: Int, peak: Int) {
      self.inUse = inUse
      self.peak = peak
    }
  }

  /// Node name as ONNX Runtime knows it; fused nodes carry the name of one of their sources.
  public var nodeName: String
  /// Operator type such as `Conv` or `FusedConv`.
  public var opType: String
  /// Kernel time of this execution, microseconds.
  public var microseconds: Double
  /// Bytes of the outputs, when recorded.
  public var outputBytes: Int?
  /// Start, microseconds since the session was made.
  public var start: Double
  /// Whether it runs inside an If, Loop or Scan, whose own event covers its time.
  public var isNested = false
  public var memory: Memory?

  public init(
    nodeName: String, opType: String, microseconds: Double, outputBytes: Int? = nil, start: Double = 0
  ) {
    self.nodeName = nodeName
    self.opType = opType
    self.microseconds = microseconds
    self.outputBytes = outputBytes
    self.start = start
  }
}

/// Reads the profile that ONNX Runtime writes in Chrome's trace format: one JSON object a line, some kilobytes for each
/// node of each run, of which a few fields are wanted.
package enum ProfileReader {
  private static let kernelSuffix = "_kernel_time"
  /// Operators that run graphs of their own.
  private static let holders: Set<String> = [
    "If", "Loop", "Scan", "SequenceMap", "BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch",
  ]

  /// Kernel times in the order of the file; lines that are damaged are left out.
  package static func events(_ bytes: ByteSlice) -> [ProfileEvent] {
    var events: [ProfileEvent] = []
    let text = bytes.array
    var start = 0
    while start < text.count {
      let end = text[start...].firstIndex(of: 0x0A) ?? text.count
      if let event = event(text[start..<end]) { events.append(event) }
      start = end + 1
    }
    markNested(&events)
    return events
  }

  private static func event(_ line: ArraySlice<UInt8>) -> ProfileEvent? {
    let fields = fields(line)
    guard fields["cat"] == "Node", let name = fields["name"], name.hasSuffix(kernelSuffix),
      let duration = fields["dur"].flatMap(Double.init), duration >= 0
    else { return nil }
    var event = ProfileEvent(
      nodeName: String(name.dropLast(kernelSuffix.count)), opType: fields["op_name"] ?? "",
      microseconds: duration, outputBytes: fields["output_size"].flatMap { Int($0) },
      start: fields["ts"].flatMap(Double.init) ?? 0)
    if let inUse = fields["mem_bytes_in_use"].flatMap({ Int($0) }),
      let peak = fields["mem_in_use_peak"].flatMap({ Int($0) })
    {
      event.memory = ProfileEvent.Memory(inUse: inUse, peak: peak)
    }
    return event
  }

  private static let wanted: Set<String> = [
    "cat", "name", "dur", "ts", "op_name", "output_size", "mem_bytes_in_use", "mem_in_use_peak",
  ]

  /// Strings and numbers of the wanted keys, wherever in the object they stand.
  private static func fields(_ line: ArraySlice<UInt8>) -> [String: String] {
    var result: [String: String] = [:]
    var key: String?
    var at = line.startIndex
    while at < line.endIndex {
      switch line[at] {
      case 0x22:
        guard let (string, next) = string(line, at + 1) else { return result }
        at = next
        var after = next
        while after < line.endIndex, line[after] == 0x20 { after += 1 }
        if after < line.endIndex, line[after] == 0x3A {
          key = string
          at = after + 1
        } else if let wantedKey = key {
          if wanted.contains(wantedKey) { result[wantedKey] = string }
          key = nil
        }
      case 0x30...0x39, 0x2D:
        var end = at + 1
        while end < line.endIndex, [0x2E, 0x65, 0x45, 0x2B, 0x2D].contains(line[end]) || line[end].isDigit {
          end += 1
        }
        if let wantedKey = key, wanted.contains(wantedKey) {
          result[wantedKey] = String(decoding: line[at..<end], as: UTF8.self)
        }
        key = nil
        at = end
      case 0x7B, 0x5B:
        // An object or list is no value of its key.
        key = nil
        at += 1
      default: at += 1
      }
    }
    return result
  }

  /// The string that begins at `start`, unescaped, and the position after its closing quote.
  private static func string(_ line: ArraySlice<UInt8>, _ start: Int) -> (String, Int)? {
    var bytes: [UInt8] = []
    var at = start
    while at < line.endIndex {
      switch line[at] {
      case 0x22: return (String(decoding: bytes, as: UTF8.self), at + 1)
      case 0x5C:
        guard at + 1 < line.endIndex else { return nil }
        switch line[at + 1] {
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        default: bytes.append(line[at + 1])
        }
        at += 2
      case let byte:
        bytes.append(byte)
        at += 1
      }
    }
    return nil
  }

  /// Marks what runs while a node that holds graphs runs.
  private static func markNested(_ events: inout [ProfileEvent]) {
    guard events.contains(where: { holders.contains($0.opType) }) else { return }
    let order = events.indices.sorted {
      (events[$0].start, -events[$0].microseconds, $1) < (events[$1].start, -events[$1].microseconds, $0)
    }
    var end = -Double.infinity
    for index in order {
      let event = events[index]
      if event.start + event.microseconds <= end {
        events[index].isNested = true
      } else if holders.contains(event.opType) {
        end = event.start + event.microseconds
      }
    }
  }
}

extension UInt8 {
  fileprivate var isDigit: Bool { self >= 0x30 && self <= 0x39 }
}
