import ScopeBytes
import ScopeGraph

extension Node {
  /// Entry `key` of the node's metadata (`metadata_props`, field 9 of ONNX `NodeProto` from IR version 10 on), where
  /// exporters say which part of the program a node comes from. Nil when it is absent or damaged.
  public func metadata(_ key: String) -> String? {
    for field in unknownFields {
      var outer = WireReader(field)
      guard let property = try? outer.next(), property.number == 9, let entry = try? property.bytes() else {
        continue
      }
      var reader = WireReader(entry)
      var isWanted = false
      var value: String?
      while let part = try? reader.next() {
        switch part.number {
        case 1: isWanted = (try? part.text()) == key
        case 2: value = try? part.text()
        default: break
        }
      }
      if isWanted { return value ?? "" }
    }
    return nil
  }
}
