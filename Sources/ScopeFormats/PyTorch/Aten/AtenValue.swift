import ScopeGraph

/// A value of a PyTorch program while it is converted: what a front end (TorchScript, torch.export) hands to
/// ``AtenBuilder/call(_:_:named:at:)`` and gets back.
indirect enum AtenValue: Sendable {
  case tensor(AtenTensor)
  case int(Int)
  /// An integer that is only known at run time (`x.size(0)` of an open batch): the ONNX value that holds it, an int64
  /// scalar.
  case symbolicInt(AtenTensor)
  case float(Double)
  case bool(Bool)
  case string(String)
  case none
  case list([AtenValue])
  case tuple([AtenValue])
  /// An element type (PyTorch's ScalarType number, or the name `float32`).
  case dataType(DataType)
  /// A device, layout or memory format: accepted and not used.
  case ignored(String)
}

/// A tensor of the program: the ONNX value that holds it and what is known of it.
struct AtenTensor: Sendable {
  /// Value name in the graph under construction.
  var name: String
  var dataType: DataType?
  /// Nil when the rank is unknown.
  var shape: Shape?
  /// The numbers, when the value is a constant of the program (a parameter, a buffer, a literal).
  var constant: Tensor?
}
