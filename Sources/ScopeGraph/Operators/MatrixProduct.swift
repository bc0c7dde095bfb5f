import ScopeBytes

/// Matrix products: MatMul, Gemm and their quantized forms. Cost: output elements x inner size.
enum MatrixProductOperators {
  static let definitions: [OperatorDefinition] = [
    OperatorDefinition("MatMul", infer: inferMatMul, cost: costMatMul, fold: foldMatMul),
    OperatorDefinition("MatMulInteger", infer: inferMatMul, cost: costMatMul),
    OperatorDefinition("QLinearMatMul", infer: inferMatMul, cost: costMatMul),
    OperatorDefinition("Gemm", infer: inferGemm, cost: costGemm, fold: foldGemm),
  ]

  /// Index of the right operand among the inputs.
  static func weightIndex(_ node: Node) -> Int { ["QLinearMatMul", "QGemm"].contains(node.opType) ? 3 : 1 }

  private static func outputType(_ context: OperatorContext) -> DataType? {
    switch context.node.opType {
    case "MatMulInteger", "MatMulInteger16": .int32
    case "QLinearMatMul": context.dataType(7)
    case "MatMulIntegerToFloat": context.dataType(2) ?? .float32
    case "DynamicQuantizeMatMul": .float32
    case "SparseToDenseMatMul": context.dataType(1)
    case "GemmFloat8":
      context.node.int("dtype").flatMap { Int32(exactly: $0) }.flatMap(DataType.init(rawValue:)) ?? .float32
    case "QGemm": context.has(8) ? context.dataType(8) : .float32
    default: context.dataType(0)
    }
  }

  /// Operand shapes as they enter the product (FusedMatMul may transpose either).
  private static func operands(_ context: OperatorContext) -> (Shape, Shape)? {
    guard var left = context.shape(0), var right = context.shape(weightIndex(context.node)) else {
      return nil
    }
    if context.node.domain == "com.microsoft" {
      left = arranged(
        left, batch: context.node.int("transBatchA") == 1, matrix: context.node.int("transA") == 1)
      right = arranged(
        right, batch: context.node.int("transBatchB") == 1, matrix: context.node.int("transB") == 1)
    }
    return (left, right)
  }

  /// `transBatch` moves the first axis before the last, `trans` swaps the last two.
  private static func arranged(_ shape: Shape, batch: Bool, matrix: Bool) -> Shape {
    var dimensions = shape.dimensions
    guard dimensions.count >= 2 else { return shape }
    if batch { dimensions.insert(dimensions.removeFirst(), at: dimensions.count - 1) }
    if matrix { dimensions.swapAt(dimensions.count - 1, dimensions.count - 2) }
    return Shape(dimensions)
  }

  @Sendable static func inferMatMul(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = outputType(context)
    guard let (left, right) = operands(context) else { return [ValueType(type)] }
    guard left.rank >= 1, right.rank >= 1 else {
      throw context.invalid(
        "a matrix product needs operands of rank 1 or more", found: "\(left) and \(right)")
    }
    let inner = left.dimensions[left.rank - 1]
    let rightInner = right.dimensions[max(right.rank - 2, 0)]
    if let a = inner.value, let b = rightInner.value, a != b {
      throw context.invalid("the inner sizes of the matrix product differ", found: "\(left) and \(right)")
    }
    let batch = try Broadcasting.shape(
      [Shape(Array(left.dimensions.dropLast(2))), Shape(Array(right.dimensions.dropLast(2)))], at: context)
    var output = batch?.dimensions ?? []
    if left.rank >= 2 { output.append(left.dimensions[left.rank - 2]) }
    if right.rank >= 2 { output.append(right.dimensions[right.rank - 1]) }
    return [ValueType(type, Shape(output))]
  }

  @Sendable static func costMatMul(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard let (left, right) = operands(context), left.rank >= 1, right.rank >= 1,
      let output = outputs.first?.shape?.symbolicCount,
      let macs = counted(
        output,
        Dimension.merged(left.dimensions[left.rank - 1], right.dimensions[max(right.rank - 2, 0)]).count)
    else { return nil }
    let biasIndex = ["DynamicQuantizeMatMul": 4, "MatMulIntegerToFloat": 6, "GemmFastGelu": 2][
      context.node.opType]
    let cost = SymbolicCost(macs: macs, bias: biasIndex.map(context.has) ?? false ? output : nil)
    switch context.node.opType {
    // The left operand is quantized first: range, scale, shift.
    case "DynamicQuantizeMatMul": return cost.with(.quantization, counted(left.symbolicCount, 4))
    case "GemmFastGelu", "FusedMatMulActivation": return cost.with(.activation, output)
    default: return cost
    }
  }

  @Sendable static func inferGemm(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    let type = outputType(context)
    guard let left = context.shape(0), let right = context.shape(weightIndex(context.node)) else {
      return [ValueType(type)]
    }
    guard left.rank == 2, right.rank == 2 else {
      throw context.invalid("Gemm needs two matrices", found: "\(left) and \(right)")
    }
    let (a, b) = (context.node.int("transA") == 1, context.node.int("transB") == 1)
    if let inner = left.dimensions[a ? 0 : 1].value, let other = right.dimensions[b ? 1 : 0].value,
      inner != other
    {
      throw context.invalid("the inner sizes of the matrix product differ", found: "\(left) and \(right)")
    }
    return [ValueType(type, Shape([left.dimensions[a ? 1 : 0], right.dimensions[b ? 0 : 1]]))]
  }

  @Sendable static func costGemm(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    guard let left = context.shape(0), let right = context.shape(weightIndex(context.node)), left.rank == 2,
      right.rank == 2, let output = outputs.first?.shape?.symbolicCount,
      let macs = counted(
        output,
        Dimension.merged(
          left.dimensions[context.node.int("transA") == 1 ? 0 : 1],
          right.dimensions[context.node.int("transB") == 1 ? 1 : 0]
        ).count)
    else { return nil }
    return SymbolicCost(macs: macs, bias: context.has(context.node.opType == "QGemm" ? 6 : 2) ? output : nil)
  }

  /// MatMulNBits: attributes `K` and `N` give the weight's true shape.
  @Sendable static func inferPackedBits(_ context: OperatorContext) throws(ScopeError) -> [ValueType] {
    guard let columns = context.node.int("N"), columns > 0, let inner = context.node.int("K"), inner > 0
    else {
      throw context.invalid(
        "K and N must be positive", found: "\(context.node.int("K") ?? 0) and \(context.node.int("N") ?? 0)")
    }
    guard let input = context.shape(0), let last = input.dimensions.last else {
      return [ValueType(context.dataType(0))]
    }
    if let size = last.value, size != inner,
      context.node.int("transB") != 0 || context.node.opType != "MatMulBnb4"
    {
      throw context.invalid(
        "the inner sizes of the matrix product differ", expected: "\(inner)", found: "\(size)")
    }
    return [ValueType(context.dataType(0), Shape(input.dimensions.dropLast() + [.known(columns)]))]
  }

  @Sendable static func costPackedBits(_ context: OperatorContext, _ outputs: [ValueType]) -> SymbolicCost? {
    let output = outputs.first?.shape?.symbolicCount
    guard let macs = counted(output, context.node.int("K").map { SymbolicCount($0) }) else { return nil }
    return SymbolicCost(
      macs: macs, bias: context.node.opType == "MatMulNBits" && context.has(5) ? output : nil)
  }

  /// Refuses products whose evaluation would take noticeable time.
  private static let maximumFoldedMACs = 1 << 26

  @Sendable static func foldMatMul(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let sizes = try context.outputSizes(inferMatMul)[0]
    let left = try context.array(0)
    let right = try context.array(1)
    guard case .floats(let a) = left.values, case .floats(let b) = right.values,
      let macs = costMatMul(context, [ValueType(left.dataType, Shape(sizes))])?.macs.number,
      macs <= maximumFoldedMACs
    else {
      throw ScopeError(
        .unsupported, "the product is not evaluated at compile time",
        place: OperatorContext.place(context.node))
    }
    let inner = left.dimensions[left.dimensions.count - 1]
    let rows = left.dimensions.count >= 2 ? left.dimensions[left.dimensions.count - 2] : 1
    let columns = right.dimensions.count >= 2 ? right.dimensions[right.dimensions.count - 1] : 1
    let batch = Array(
      sizes.dropLast((left.dimensions.count >= 2 ? 1 : 0) + (right.dimensions.count >= 2 ? 1 : 0)))
    let leftBatch = Array(left.dimensions.dropLast(2))
    let rightBatch = Array(right.dimensions.dropLast(2))
    let leftStarts = TensorLayout.positions(batch, strides: Broadcasting.strides(leftBatch, to: batch))
    let rightStarts = TensorLayout.positions(batch, strides: Broadcasting.strides(rightBatch, to: batch))
    var output: [Double] = []
    output.reserveCapacity(batch.reduce(1, *) * rows * columns)
    for (leftStart, rightStart) in zip(leftStarts, rightStarts) {
      for row in 0..<rows {
        for column in 0..<columns {
          var sum = 0.0
          for index in 0..<inner {
            sum +=
              a[(leftStart * rows + row) * inner + index] * b[(rightStart * inner + index) * columns + column]
          }
          output.append(sum)
        }
      }
    }
    return [try NumericArray(left.dataType, sizes, .floats(output)).tensor()]
  }

  @Sendable static func foldGemm(_ context: OperatorContext) throws(ScopeError) -> [Tensor] {
    let sizes = try context.outputSizes(inferGemm)[0]
    let left = try context.array(0)
    let right = try context.array(1)
    guard case .floats(let a) = left.values, case .floats(let b) = right.values,
      let macs = costGemm(context, [ValueType(left.dataType, Shape(sizes))])?.macs.number,
      macs <= maximumFoldedMACs
    else {
      throw ScopeError(
        .unsupported, "the product is not evaluated at compile time",
        place: OperatorContext.place(context.node))
    }
    let transA = context.node.int("transA") == 1
    let transB = context.node.int("transB") == 1
    let inner = left.dimensions[transA ? 0 : 1]
    let alpha = Double(context.node.float("alpha") ?? 1)
    let beta = Double(context.node.float("beta") ?? 1)
    let bias = context.has(2) ? try context.array(2).broadcast(to: sizes).asFloats : nil
    var output: [Double] = []
    for row in 0..<sizes[0] {
      for column in 0..<sizes[1] {
        var sum = 0.0
        for index in 0..<inner {
          sum +=
            a[transA ? index * sizes[0] + row : row * inner + index]
            * b[transB ? column * inner + index : index * sizes[1] + column]
        }
        output.append(alpha * sum + (bias.map { beta * $0[row * sizes[1] + column] } ?? 0))
      }
    }
    return [try NumericArray(left.dataType, sizes, .floats(output)).tensor()]
  }
}
