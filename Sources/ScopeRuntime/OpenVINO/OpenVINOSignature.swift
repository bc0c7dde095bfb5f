import COpenVINO
import ScopeBytes
import ScopeGraph

/// Finds the ports of a compiled model under their ONNX names, with their types.
struct OpenVINOSignature {
  let engine: OpenVINOEngine
  let compiled: OpenVINOHandle

  func inputs(_ declared: [ValueInfo]) throws(ScopeError) -> ([ValueInfo], [String: OpenVINOHandle]) {
    try ports(declared, inputs: true)
  }

  func outputs(_ declared: [ValueInfo]) throws(ScopeError) -> ([ValueInfo], [String: OpenVINOHandle]) {
    try ports(declared, inputs: false)
  }

  /// The value of a property; nil when the model has none of that name.
  func property(_ name: String) throws(ScopeError) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    guard unsafe engine.api.pointee.compiled_model_get_property(compiled.pointer, name, &text) == 0,
      let text = unsafe text
    else { return nil }
    defer { unsafe engine.api.pointee.free(text) }
    return unsafe String(cString: text)
  }

  private func ports(
    _ declared: [ValueInfo], inputs: Bool
  ) throws(ScopeError) -> ([ValueInfo], [String: OpenVINOHandle]) {
    let api = unsafe engine.api
    var count = 0
    unsafe try engine.check(
      inputs
        ? api.pointee.compiled_model_inputs_size(compiled.pointer, &count)
        : api.pointee.compiled_model_outputs_size(compiled.pointer, &count))
    var values: [ValueInfo] = []
    var handles: [String: OpenVINOHandle] = [:]
    // OpenVINO drops inputs that no node reads.
    var unread: [ValueInfo] = []
    for (index, value) in declared.enumerated() {
      var pointer: OpaquePointer?
      // By its place where all are there, in the order of the graph; else by its name.
      let status =
        if count == declared.count {
          inputs
            ? unsafe api.pointee.compiled_model_input_by_index(compiled.pointer, index, &pointer)
            : unsafe api.pointee.compiled_model_output_by_index(compiled.pointer, index, &pointer)
        } else {
          inputs
            ? unsafe api.pointee.compiled_model_input_by_name(compiled.pointer, value.name, &pointer)
            : unsafe api.pointee.compiled_model_output_by_name(compiled.pointer, value.name, &pointer)
        }
      if inputs, status != 0, count < declared.count {
        unread.append(value)
        values.append(value)
        continue
      }
      try engine.check(status)
      guard let pointer = unsafe pointer else {
        throw ScopeError(.engineFailure, "OpenVINO returned no port")
      }
      let port = unsafe OpenVINOHandle(pointer) { [engine] in
        unsafe engine.api.pointee.output_const_port_free($0)
      }
      var number: Int32 = 0
      unsafe try engine.check(api.pointee.port_get_element_type(port.pointer, &number))
      values.append(
        ValueInfo(
          name: value.name, dataType: engine.elementTypes.type(of: number), shape: try shape(port, value)))
      handles[value.name] = port
    }
    guard unread.isEmpty || handles.count == count else {
      throw ScopeError(
        .engineFailure, "OpenVINO has no input '\(unread[0].name)'", found: "\(count) inputs")
    }
    return (values, handles)
  }

  /// The port's shape; sizes that are not known carry the name that the ONNX model gives them.
  private func shape(_ port: OpenVINOHandle, _ declared: ValueInfo) throws(ScopeError) -> Shape? {
    var partial = unsafe ScopeOvPartialShape()
    unsafe try engine.check(engine.api.pointee.port_get_partial_shape(port.pointer, &partial))
    defer { unsafe engine.api.pointee.partial_shape_free(&partial) }
    guard unsafe partial.rank.minimum == partial.rank.maximum,
      let rank = unsafe Int(exactly: partial.rank.minimum)
    else { return nil }
    let ranges = unsafe UnsafeBufferPointer(start: partial.dimensions, count: rank)
    let names = declared.shape?.dimensions ?? []
    return Shape(
      ranges.indices.map { axis -> Dimension in
        if unsafe ranges[axis].minimum == ranges[axis].maximum {
          return unsafe .known(Int(ranges[axis].minimum))
        }
        if names.count == rank, case .symbolic(let name) = names[axis] { return .symbolic(name) }
        return .unknown
      })
  }
}
