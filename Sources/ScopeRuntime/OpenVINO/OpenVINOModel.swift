import COpenVINO
import ScopeBytes
import ScopeFormats
import ScopeGraph

/// The steps from ONNX bytes to a compiled model.
enum OpenVINOModel {
  /// Reads the graph with our own reader first, whose bounds are checked, and refuses data outside of the bytes:
  /// OpenVINO would follow a path in the model.
  static func check(_ bytes: ByteSlice) throws(ScopeError) -> Graph {
    let model = try ONNXReader.read(bytes)
    let graphs = [model.graph.nodes] + model.functions.map(\.nodes)
    if model.graph.initializers.values.contains(where: isExternal) || graphs.contains(where: readsOutside) {
      throw ScopeError(
        .unsupported, "the model keeps tensors in other files, which OpenVINO is not given",
        remedy: "Save the model with its data inside")
    }
    return model.graph
  }

  private static func isExternal(_ tensor: Tensor) -> Bool {
    if case .external = tensor.storage { true } else { false }
  }

  private static func readsOutside(_ nodes: [Node]) -> Bool {
    nodes.contains { node in
      node.attributes.values.contains { value in
        switch value {
        case .tensor(let tensor): isExternal(tensor)
        case .tensors(let tensors): tensors.contains(where: isExternal)
        default: false
        }
      }
        || node.subgraphs.contains {
          $0.initializers.values.contains(where: isExternal) || readsOutside($0.nodes)
        }
    }
  }

  static func read(_ engine: OpenVINOEngine, _ bytes: ByteSlice) throws(ScopeError) -> OpenVINOHandle {
    var model: OpaquePointer?
    let status = unsafe bytes.withUnsafeBytes { buffer in
      unsafe engine.api.pointee.core_read_model_from_memory_buffer(
        engine.core, buffer.assumingMemoryBound(to: CChar.self).baseAddress, buffer.count, nil, &model)
    }
    try engine.check(status)
    guard let model = unsafe model else { throw ScopeError(.engineFailure, "OpenVINO returned no model") }
    return unsafe OpenVINOHandle(model) { [engine] in unsafe engine.api.pointee.model_free($0) }
  }

  /// Fixes the shapes of the inputs that are named.
  static func reshape(
    _ engine: OpenVINOEngine, _ model: OpenVINOHandle, _ graph: Graph, _ shapes: [String: [Int]]
  ) throws(ScopeError) {
    if shapes.isEmpty { return }
    let api = unsafe engine.api
    var partial = unsafe [ScopeOvPartialShape]()
    defer {
      for index in unsafe partial.indices { unsafe api.pointee.partial_shape_free(&partial[index]) }
    }
    let ordered = shapes.sorted { $0.key < $1.key }
    for (name, sizes) in ordered {
      guard graph.requiredInputs.contains(where: { $0.name == name }) else {
        throw ScopeError(
          .invalidArgument, "the model has no input '\(name)'",
          expected: graph.requiredInputs.map(\.name).joined(separator: ", "))
      }
      guard sizes.allSatisfy({ $0 >= 0 }) else {
        throw ScopeError(.invalidArgument, "\(sizes) is no shape for input '\(name)'")
      }
      var shape = unsafe ScopeOvPartialShape()
      unsafe try engine.check(
        api.pointee.partial_shape_create_static(Int64(sizes.count), sizes.map { Int64($0) }, &shape))
      unsafe partial.append(shape)
    }
    let status = unsafe withCStrings(ordered.map(\.key)) { names in
      unsafe api.pointee.model_reshape(
        model.pointer, UnsafeMutablePointer(mutating: names), partial, partial.count)
    }
    try engine.check(status)
  }

  static func compile(
    _ engine: OpenVINOEngine, _ model: OpenVINOHandle, _ options: OpenVINOOptions
  ) throws(ScopeError) -> OpenVINOHandle {
    let properties = options.properties
    guard properties.count <= Int(SCOPE_OV_MAXIMUM_PROPERTIES) else {
      throw ScopeError(
        .invalidArgument, "too many OpenVINO properties",
        expected: "at most \(SCOPE_OV_MAXIMUM_PROPERTIES)", found: "\(properties.count)")
    }
    var compiled: OpaquePointer?
    let status = unsafe withCStrings(properties.flatMap { [$0.key, $0.value] }) { strings in
      unsafe scope_ov_compile_model(
        engine.api, engine.core, model.pointer, strings, properties.count, &compiled)
    }
    try engine.check(status)
    guard let compiled = unsafe compiled else {
      throw ScopeError(.engineFailure, "OpenVINO returned no compiled model")
    }
    return unsafe OpenVINOHandle(compiled) { [engine] in unsafe engine.api.pointee.compiled_model_free($0) }
  }
}
