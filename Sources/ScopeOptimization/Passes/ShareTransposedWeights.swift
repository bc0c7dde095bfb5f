import ScopeBytes
import ScopeGraph

/// A large constant matrix that is another one transposed (an embedding tied to the output layer) is stored once; the
/// other is made by a Transpose, which the engine computes once at load.
///
/// Declines for matrices of up to 64 KiB and for names that a nested graph reads or that are graph outputs.
public struct ShareTransposedWeights: Pass {
  public let name = "share-transposed"
  public let summary = "Matrices that are transposed copies of others stored once"
  public let safety = PassSafety.exact

  /// Smaller constants are not worth a node; ``FoldConstants`` would fold them back.
  private static let minimumBytes = 1 << 16

  private struct Key: Hashable {
    var dataType: DataType
    var dimensions: [Int]
  }

  public init() {}

  public func run(_ model: inout Model) throws(ScopeError) -> Bool {
    let editor = GraphEditor(model.graph)
    var candidates: [Key: [(name: String, tensor: Tensor)]] = [:]
    for (name, tensor) in model.graph.initializers
    where tensor.dimensions.count == 2 && tensor.dimensions.allSatisfy({ $0 > 1 })
      && tensor.byteCount > Self.minimumBytes && tensor.dataType.bitWidth >= 8
    {
      guard editor.constant(name) != nil, editor.consumers[name] != nil, !editor.captured.contains(name),
        !editor.outputNames.contains(name)
      else { continue }
      candidates[Key(dataType: tensor.dataType, dimensions: tensor.dimensions), default: []].append(
        (name, tensor))
    }
    var transposes: [Node] = []
    var removed: Set<String> = []
    var kept: Set<String> = []
    for (name, tensor) in model.graph.initializers {
      let key = Key(dataType: tensor.dataType, dimensions: tensor.dimensions.reversed())
      guard let others = candidates[key], !kept.contains(name),
        candidates[Key(dataType: tensor.dataType, dimensions: tensor.dimensions)]?.contains(where: {
          $0.name == name
        }) ?? false
      else { continue }
      let match = others.first { other in
        other.name != name && !removed.contains(other.name) && Self.isTransposed(tensor, other.tensor)
      }
      guard let match else { continue }
      removed.insert(name)
      kept.insert(match.name)
      transposes.append(
        Node("Transpose", inputs: [match.name], outputs: [name], attributes: ["perm": .ints([1, 0])]))
    }
    guard !transposes.isEmpty else { return false }
    for name in removed { model.graph.initializers[name] = nil }
    model.graph.nodes.insert(contentsOf: transposes, at: 0)
    return true
  }

  /// Compares a few elements first, so that different matrices cost nothing.
  private static func isTransposed(_ left: Tensor, _ right: Tensor) -> Bool {
    guard let a = try? left.packedBytes(), let b = try? right.packedBytes() else { return false }
    let (rows, columns) = (left.dimensions[0], left.dimensions[1])
    let size = left.dataType.bitWidth / 8
    return a.withUnsafeBytes { a in
      b.withUnsafeBytes { b in
        func isEqual(_ row: Int, _ column: Int) -> Bool {
          for byte in 0..<size {
            guard a[(row * columns + column) * size + byte] == b[(column * rows + row) * size + byte] else {
              return false
            }
          }
          return true
        }
        for probe in 0..<64 where !isEqual(probe * 7919 % rows, probe * 104_729 % columns) { return false }
        for row in 0..<rows {
          for column in 0..<columns where !isEqual(row, column) { return false }
        }
        return true
      }
    }
  }
}
