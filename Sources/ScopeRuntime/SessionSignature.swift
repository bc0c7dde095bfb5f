import COnnxRuntime
import ScopeBytes
import ScopeGraph

/// Reads names, element types and shapes of a session's inputs and outputs.
enum SessionSignature {
  static func read(engine: Engine, session: OpaquePointer, inputs: Bool) throws(ScopeError) -> [ValueInfo] {
    let api = unsafe engine.api
    var count = 0
    unsafe try engine.check(
      inputs ? scope_ort_input_count(api, session, &count) : scope_ort_output_count(api, session, &count))
    var result: [ValueInfo] = []
    for index in 0..<count {
      var text: UnsafeMutablePointer<CChar>?
      unsafe try engine.check(
        inputs
          ? scope_ort_input_name(api, session, index, engine.allocator, &text)
          : scope_ort_output_name(api, session, index, engine.allocator, &text))
      guard let text = unsafe text else { throw ScopeError(.engineFailure, "ONNX Runtime returned no name") }
      let name = unsafe String(cString: text)
      unsafe try engine.check(scope_ort_free(api, engine.allocator, text))
      var type: OpaquePointer?
      unsafe try engine.check(
        inputs
          ? scope_ort_input_type(api, session, index, &type)
          : scope_ort_output_type(api, session, index, &type))
      defer { unsafe scope_ort_release_type_info(api, type) }
      // Owned by the type info; null for sequences and maps.
      var info: OpaquePointer?
      unsafe try engine.check(scope_ort_tensor_info_of_type(api, type, &info))
      if unsafe info == nil {
        result.append(ValueInfo(name: name, dataType: nil, shape: nil))
      } else {
        let (dataType, shape) = unsafe try tensorType(engine: engine, info: info)
        result.append(ValueInfo(name: name, dataType: dataType, shape: shape))
      }
    }
    return result
  }

  static func tensorType(engine: Engine, info: OpaquePointer?) throws(ScopeError) -> (DataType?, Shape) {
    let api = unsafe engine.api
    var code: Int32 = 0
    var rank = 0
    unsafe try engine.check(scope_ort_element_type(api, info, &code))
    unsafe try engine.check(scope_ort_rank(api, info, &rank))
    var sizes = [Int64](repeating: 0, count: rank)
    unsafe try engine.check(scope_ort_dimensions(api, info, &sizes, rank))
    var names = unsafe [UnsafePointer<CChar>?](repeating: nil, count: rank)
    unsafe try engine.check(scope_ort_symbolic_dimensions(api, info, &names, rank))
    let dimensions = (0..<rank).map { axis -> Dimension in
      if sizes[axis] >= 0 { return .known(Int(sizes[axis])) }
      let name = unsafe names[axis].map { unsafe String(cString: $0) } ?? ""
      return name.isEmpty ? .unknown : .symbolic(name)
    }
    return (DataType(rawValue: code), Shape(dimensions))
  }
}
