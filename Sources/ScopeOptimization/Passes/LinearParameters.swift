import ScopeBytes
import ScopeGraph

/// The constant parameters of a matrix product with a constant right side: MatMul, or Gemm with its addend. The weight
/// itself is only read when it is changed.
struct LinearParameters {
  /// Of the weight: [K, N], or [N, K] when `isTransposed`.
  var dimensions: [Int]
  var isTransposed: Bool
  /// [N]; nil for MatMul.
  var addend: [Double]?
  /// N.
  var columns: Int

  /// Nil unless the weight is a float32 constant that no other node reads.
  init?(_ node: Node, _ editor: GraphEditor) {
    let isGemm = node.isStandard("Gemm")
    guard isGemm || node.isStandard("MatMul"), let name = node.input(1), editor.soleConsumer(name) != nil,
      let tensor = editor.constant(name), tensor.dimensions.count == 2, tensor.dataType == .float32
    else { return nil }
    dimensions = tensor.dimensions
    isTransposed = isGemm && node.int("transB") ?? 0 != 0
    columns = dimensions[isTransposed ? 0 : 1]
    guard isGemm else { return }
    var sums = [Double](repeating: 0, count: columns)
    if let name = node.input(2) {
      guard let tensor = editor.constant(name), let values = editor.floats(name),
        values.count == 1 || (values.count == columns && tensor.dimensions.last == columns)
      else { return nil }
      let beta = Double(node.float("beta") ?? 1)
      for column in sums.indices { sums[column] = beta * Double(values[values.count == 1 ? 0 : column]) }
    }
    addend = sums
  }

  /// The node that computes `factors[n] * y[n] + shift[n]` for each column `n` of its result.
  ///
  /// - Parameter shift: must be zero for MatMul.
  /// - Returns: nil when the weight cannot be read.
  func scaled(_ node: Node, by factors: [Double], _ shift: [Double], _ editor: inout GraphEditor) -> Node? {
    var result = node
    if factors.contains(where: { $0 != 1 }) {
      guard var weight = editor.floats(node.input(1)) else { return nil }
      if isTransposed {
        weight = ChannelScaling.scaleRows(weight, by: factors)
      } else {
        for position in weight.indices {
          weight[position] = Float(Double(weight[position]) * factors[position % columns])
        }
      }
      result.inputs[1] = editor.replaceInitializer(node.input(1), with: .floats(weight, dimensions))
    }
    if let addend {
      let sums = addend.indices.map { Float(addend[$0] * factors[$0] + shift[$0]) }
      let bias = editor.replaceInitializer(
        node.input(2), with: .floats(sums, [columns]), stem: ConvParameters.biasName(result.inputs[1]))
      result.inputs = [result.inputs[0], result.inputs[1], bias]
      result.attributes["beta"] = nil
    }
    return result
  }
}

/// `y = factor * x + shift` with constants: one number for the whole tensor, or one per position of an axis.
struct ConstantAffine {
  /// One or `count` numbers.
  var factor: [Double]
  var shift: [Double]
  /// The axis that the numbers run along; nil when there is one number for all.
  var axis: Int?
  /// The value it is applied to.
  var input: String

  var isScalar: Bool { axis == nil }

  /// Recognises Mul, Div, Add and Sub with a constant, and BatchNormalization.
  ///
  /// - Parameter rank: of the node's result.
  init?(_ node: Node, rank: Int, _ editor: GraphEditor) {
    if node.isStandard("BatchNormalization") {
      guard let norm = BatchNormCoefficients(node, editor), rank >= 2, let value = node.input(0) else {
        return nil
      }
      self.init(factor: norm.factor, shift: norm.shift, axis: 1, input: value)
      return
    }
    guard ["Mul", "Div", "Add", "Sub"].contains(where: node.isStandard), node.inputs.count == 2 else {
      return nil
    }
    let side = editor.constant(node.inputs[1]) != nil ? 1 : 0
    // constant / x and constant - x are not of this form.
    if side == 0, node.opType == "Div" || node.opType == "Sub" { return nil }
    guard let tensor = editor.constant(node.inputs[side]), let values = editor.floats(node.inputs[side]),
      tensor.dimensions.count <= rank, !values.isEmpty
    else { return nil }
    var axis: Int?
    if values.count > 1 {
      let aligned = [Int](repeating: 1, count: rank - tensor.dimensions.count) + tensor.dimensions
      guard aligned.count(where: { $0 != 1 }) == 1 else { return nil }
      axis = aligned.firstIndex { $0 != 1 }
    }
    let numbers = values.map { Double($0) }
    let ones = [Double](repeating: 1, count: numbers.count)
    let zeros = [Double](repeating: 0, count: numbers.count)
    let value = node.inputs[1 - side]
    switch node.opType {
    case "Mul": self.init(factor: numbers, shift: zeros, axis: axis, input: value)
    case "Div": self.init(factor: numbers.map { 1 / $0 }, shift: zeros, axis: axis, input: value)
    case "Add": self.init(factor: ones, shift: numbers, axis: axis, input: value)
    default: self.init(factor: ones, shift: numbers.map { -$0 }, axis: axis, input: value)
    }
    guard factor.allSatisfy(\.isFinite), shift.allSatisfy(\.isFinite) else { return nil }
  }

  init(factor: [Double], shift: [Double], axis: Int?, input: String) {
    self.factor = factor
    self.shift = shift
    self.axis = axis
    self.input = input
  }

  /// The numbers for `count` positions; nil when there are neither one nor as many.
  func expanded(_ count: Int) -> (factor: [Double], shift: [Double])? {
    if factor.count == count { return (factor, shift) }
    guard factor.count == 1 else { return nil }
    return (
      [Double](repeating: factor[0], count: count), [Double](repeating: shift[0], count: count)
    )
  }
}
