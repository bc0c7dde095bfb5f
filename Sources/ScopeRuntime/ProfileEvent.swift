import FoundationEssentials
import ScopeBytes

/// One operator execution from ONNX Runtime's profile.
public struct ProfileEvent: Sendable, Hashable {
  /// Node name as ONNX Runtime knows it; fused nodes carry the name of one of their sources.
  public var nodeName: String
  /// Operator type such as `Conv` or `FusedConv`.
  public var opType: String
  /// Kernel time of this execution, microseconds.
  public var microseconds: Double
  /// Bytes of the outputs, when recorded.
  public var outputBytes: Int?

  public init(nodeName: String, opType: String, microseconds: Double, outputBytes: Int? = nil) {
    self.nodeName = nodeName
    self.opType = opType
    self.microseconds = microseconds
    self.outputBytes = outputBytes
  }

  private struct Record: Decodable {
    struct Arguments: Decodable {
      var opName: String?
      var outputSize: String?

      enum CodingKeys: String, CodingKey {
        case opName = "op_name"
        case outputSize = "output_size"
      }
    }
    var cat: String
    var name: String
    var dur: Double
    var args: Arguments?
  }

  /// Kernel times of the profile ONNX Runtime wrote at `path`, in order; removes the file.
  static func readAndRemove(_ path: String) throws(ScopeError) -> [ProfileEvent] {
    let records: [Record]
    do {
      let data = try Data(contentsOf: URL(filePath: path))
      try FileManager.default.removeItem(atPath: path)
      records = try JSONDecoder().decode([Record].self, from: data)
    } catch {
      throw ScopeError(.engineFailure, "ONNX Runtime's profile cannot be read: \(error)", file: path)
    }
    let suffix = "_kernel_time"
    return records.compactMap { record in
      guard record.cat == "Node", record.name.hasSuffix(suffix) else { return nil }
      return ProfileEvent(
        nodeName: String(record.name.dropLast(suffix.count)), opType: record.args?.opName ?? "",
        microseconds: record.dur, outputBytes: record.args?.outputSize.flatMap { Int($0) })
    }
  }
}
