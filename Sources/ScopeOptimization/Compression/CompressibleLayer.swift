import ScopeBytes
import ScopeGraph

/// A Conv, Gemm or MatMul with a constant float32 weight that no other node reads.
struct CompressibleLayer {
  var node: Int
  /// For people: operator and node name.
  var label: String
  /// The activation it reads.
  var input: String
  var weightName: String
  /// Of the weight as stored.
  var dimensions: [Int]
  var isConvolution: Bool
  /// Whether the stored weight has the outputs last (MatMul, Gemm without transB).
  var outputsLast: Bool
  var group: Int
  var patches: LayerPatches

  /// Outputs, M.
  var outputs: Int { dimensions[outputsLast ? 1 : 0] }
  /// Weights behind one output, K: [C / group, k...] for a convolution.
  var length: Int { dimensions.reduce(1, *) / max(outputs, 1) }
  /// Product of the kernel's sizes.
  var kernel: Int { isConvolution ? dimensions.dropFirst(2).reduce(1, *) : 1 }
  var isDepthwise: Bool { group > 1 && dimensions[1] == 1 }

  /// - Parameter declined: gets a sentence for nodes that multiply with something else.
  init?(_ node: Node, index: Int, _ editor: GraphEditor, declined: inout [String]) {
    let isConvolution = node.isStandard("Conv")
    guard isConvolution || node.isStandard("Gemm") || node.isStandard("MatMul") else { return nil }
    label = "\(node.opType) \(node.name.isEmpty ? node.outputs.first ?? "" : node.name)"
    guard let input = node.input(0), let name = node.input(1), let tensor = editor.constant(name) else {
      return nil
    }
    guard tensor.dataType == .float32, tensor.elementCount > 0, tensor.dimensions.count >= 2,
      let patches = LayerPatches(node, weightDimensions: tensor.dimensions)
    else {
      declined.append("\(label): its weight \(tensor.dataType.name) \(tensor.shape) is of no supported form")
      return nil
    }
    guard editor.soleConsumer(name) == index else {
      declined.append("\(label): its weight is shared with another node")
      return nil
    }
    self.node = index
    self.input = input
    weightName = name
    dimensions = tensor.dimensions
    self.isConvolution = isConvolution
    outputsLast = !isConvolution && !(node.isStandard("Gemm") && node.int("transB") ?? 0 != 0)
    group = patches.group
    self.patches = patches
  }

  static func all(_ editor: GraphEditor, declined: inout [String]) -> [CompressibleLayer] {
    var result: [CompressibleLayer] = []
    for (index, node) in editor.graph.nodes.enumerated() {
      if let layer = CompressibleLayer(node, index: index, editor, declined: &declined) {
        result.append(layer)
      }
    }
    return result
  }

  /// The weight as [outputs, length], row-major.
  func rows(_ stored: [Float]) -> [Float] { outputsLast ? Self.transposed(stored, length, outputs) : stored }

  /// ``rows(_:)`` undone.
  func stored(_ rows: [Float]) -> [Float] { outputsLast ? Self.transposed(rows, outputs, length) : rows }

  private static func transposed(_ values: [Float], _ rows: Int, _ columns: Int) -> [Float] {
    var result = [Float](repeating: 0, count: values.count)
    for row in 0..<rows {
      for column in 0..<columns { result[column * rows + row] = values[row * columns + column] }
    }
    return result
  }
}
