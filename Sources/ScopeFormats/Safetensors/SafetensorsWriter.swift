import OrderedCollections
import ScopeBytes
import ScopeGraph

/// Writes safetensors files as the reference implementation does: header padded to 8 bytes, tensors by falling element
/// size and then by name, so that every one is aligned to its element.
public enum SafetensorsWriter {
  /// A tensor's place in the file.
  public struct Layout: Sendable {
    /// Length field, JSON and padding.
    public let header: ByteSlice
    /// Names in the order of their data.
    public let order: [String]
    /// Bytes of the whole file.
    public let byteCount: Int
  }

  /// The format's name of an element type; nil where it has none (complex128, 4-bit and 2-bit integers, text).
  public static func typeName(_ type: DataType) -> String? { names[type] }

  private static let names = Dictionary(
    SafetensorsReader.types.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })

  /// - Throws: `unsupported` naming a tensor whose element type the format does not have; `limitExceeded` when the
  ///   header is longer than readers accept; `invalidArgument` for a tensor called `__metadata__`.
  public static func layout(
    _ tensors: OrderedDictionary<String, Tensor>, metadata: OrderedDictionary<String, String>
  ) throws(ScopeError) -> Layout {
    let order = tensors.keys.sorted { left, right in
      let widths = (tensors[left]?.dataType.bitWidth ?? 0, tensors[right]?.dataType.bitWidth ?? 0)
      return widths.0 != widths.1 ? widths.0 > widths.1 : left < right
    }
    var json = "{"
    if !metadata.isEmpty {
      let members = metadata.map { JSONText.quoted($0.key) + ":" + JSONText.quoted($0.value) }
      json += "\"__metadata__\":{" + members.joined(separator: ",") + "}"
    }
    var position = 0
    for name in order {
      guard let tensor = tensors[name] else { continue }
      guard name != "__metadata__" else {
        throw ScopeError(.invalidArgument, "a tensor cannot be called __metadata__ in this format")
      }
      guard let type = names[tensor.dataType] else {
        throw ScopeError(
          .unsupported, "safetensors has no element type \(tensor.dataType.name)",
          place: "tensor \"\(name.prefix(200))\"")
      }
      let (end, overflow) = position.addingReportingOverflow(tensor.byteCount)
      guard !overflow else { throw ScopeError(.limitExceeded, "the tensors are too large for one file") }
      let shape = tensor.dimensions.map { "\($0)" }.joined(separator: ",")
      if json.utf8.count > 1 { json += "," }
      json +=
        JSONText.quoted(name)
        + ":{\"dtype\":\"\(type)\",\"shape\":[\(shape)],\"data_offsets\":[\(position),\(end)]}"
      position = end
    }
    json += "}"
    var bytes = Array(json.utf8)
    while bytes.count % 8 != 0 { bytes.append(0x20) }
    guard bytes.count <= SafetensorsReader.headerLimit else {
      throw ScopeError(
        .limitExceeded, "the header would be too long",
        expected: "at most \(SafetensorsReader.headerLimit) bytes",
        found: "\(bytes.count)", remedy: "Split the tensors over several files")
    }
    let length = (0..<8).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) }
    return Layout(header: ByteSlice(length + bytes), order: order, byteCount: 8 + bytes.count + position)
  }
}
