import ScopeBytes
import ScopeGraph
import ScopeRuntime

/// Two thin layers in place of a thick one: the weight is replaced by a product of low rank.
///
/// With calibration samples the outputs are approximated, not the weights: for inputs with second moment
/// `G = L L^T`, the best rank-r approximation of `W x` projects onto the first left singular vectors `U_r` of `W L`
/// (`W ~ U_r (U_r^T W)`; Zhang et al. 2016, section 2.3; also called whitening, Wang et al. 2024, "SVD-LLM"). Where the
/// layer has a bias the inputs are centred and the bias takes up the mean error.
public enum LowRank {
  /// Rewrites every layer of `model` for which it pays.
  ///
  /// - Parameters:
  ///   - context: calibration samples; nil looks at the weights alone.
  /// - Throws: `invalidArgument` for a recipe that is not possible; engine failures while calibrating.
  public static func factorize(
    _ model: inout Model, recipe: LowRankRecipe, context: OptimizationContext?, algebra: LinearAlgebra
  ) throws(ScopeError) -> LowRankResult {
    guard recipe.energy > 0, recipe.energy <= 1, recipe.rankMultiple > 0, recipe.minimumSaving < 1 else {
      throw ScopeError(
        .invalidArgument, "the low-rank recipe is not possible",
        expected: "energy in (0, 1], a positive rank multiple, a saving below 1", found: "\(recipe)")
    }
    var editor = GraphEditor(model.graph)
    var result = LowRankResult()
    let candidates = CompressibleLayer.all(editor, declined: &result.declined).filter { layer in
      isCandidate(layer, model.graph.nodes[layer.node], recipe, &result.declined)
    }
    let usesData = candidates.filter { !isSpatial($0, recipe) }
    var moments: [Int: LayerMoments] = [:]
    if let context, !usesData.isEmpty {
      let collected = try InputMoments.collect(
        model, nodes: usesData.map(\.node), context: context, algebra: algebra)
      moments = collected.layers
      result.declined += collected.declined
    }
    for (number, layer) in candidates.enumerated() {
      if context?.isOverdue ?? false {
        result.declined.append("\(layer.label): the time was up")
        continue
      }
      context?.progress("Factorising layers", Double(number) / Double(candidates.count))
      guard let stored = editor.floats(layer.weightName), stored.allSatisfy(\.isFinite) else {
        result.declined.append("\(layer.label): its weight holds numbers that are not finite")
        continue
      }
      if isSpatial(layer, recipe) {
        separate(layer, stored, recipe, algebra, &editor, &result)
      } else if context == nil || moments[layer.node] != nil {
        project(layer, stored, moments[layer.node], recipe, algebra, &editor, &result)
      }
    }
    _ = editor.apply(to: &model)
    _ = try PassRunner.runOnce(EliminateDeadNodes(), on: &model)
    return result
  }

  private static func isSpatial(_ layer: CompressibleLayer, _ recipe: LowRankRecipe) -> Bool {
    recipe.kernelScheme == .spatial && layer.dimensions.count == 4 && layer.dimensions[2] > 1
      && layer.dimensions[3] > 1
  }

  private static func isCandidate(
    _ layer: CompressibleLayer, _ node: Node, _ recipe: LowRankRecipe, _ declined: inout [String]
  ) -> Bool {
    if let names = recipe.layers, !names.contains(node.name), !names.contains(node.outputs.first ?? "") {
      return false
    }
    guard layer.group == 1 else {
      declined.append("\(layer.label): a convolution in groups is thin already")
      return false
    }
    // Even the smallest rank has to pay.
    let full = layer.outputs * layer.length
    let least = recipe.rankMultiple * (layer.outputs + layer.length)
    guard isSpatial(layer, recipe) || Double(least) <= (1 - recipe.minimumSaving) * Double(full) else {
      declined.append("\(layer.label): \(layer.outputs) x \(layer.length) is too small to gain")
      return false
    }
    return true
  }

  /// The smallest allowed rank that keeps the wanted energy, with the energy it keeps; nil when even the full rank is
  /// no multiple.
  static func rank(_ singularValues: [Double], _ recipe: LowRankRecipe) -> (rank: Int, energy: Double)? {
    let total = singularValues.reduce(0) { $0 + $1 * $1 }
    guard total > 0, total.isFinite else { return nil }
    var sum = 0.0
    for (index, value) in singularValues.enumerated() {
      sum += value * value
      // A hair less than everything is everything.
      guard (index + 1) % recipe.rankMultiple == 0, sum >= total * recipe.energy - 1e-12 * total else {
        continue
      }
      return (index + 1, min(sum / total, 1))
    }
    return nil
  }

  private static func pays(
    _ layer: CompressibleLayer, rank: Int, weights: Int, macShare: Double, _ recipe: LowRankRecipe,
    _ declined: inout [String]
  ) -> Bool {
    let full = Double(layer.outputs * layer.length)
    let limit = 1 - recipe.minimumSaving
    guard macShare <= limit, Double(weights) <= limit * full else {
      declined.append("\(layer.label): rank \(rank) of \(min(layer.outputs, layer.length)) saves too little")
      return false
    }
    return true
  }

  // MARK: Projection onto the output's main directions

  /// `weight` (as [M, K]) as `left` [M, r] times `right` [r, K].
  struct Factors {
    var left: Matrix
    var right: Matrix
    var rank: Int
    var energy: Double
  }

  /// Factors of the least error over inputs with the given second moment; nil when nothing is gained or the
  /// decomposition fails.
  static func factors(
    _ weight: Matrix, secondMoment: Matrix?, _ recipe: LowRankRecipe, _ algebra: LinearAlgebra
  ) -> Factors? {
    var whitened = weight
    if var moment = secondMoment {
      // Fewer samples than inputs leave directions unseen; a little of every direction keeps them defined.
      let mean = (0..<moment.rows).reduce(0) { $0 + moment[$1, $1] } / Double(max(moment.rows, 1))
      guard mean > 0, mean.isFinite else { return nil }
      for index in 0..<moment.rows { moment[index, index] += 1e-6 * mean }
      guard let root = algebra.cholesky(moment) else { return nil }
      whitened = algebra.multiply(weight, root)
    }
    guard let (u, s, _) = algebra.singularValues(whitened), let (rank, energy) = rank(s, recipe) else {
      return nil
    }
    let left = u.submatrix(Array(0..<u.rows), columns: Array(0..<rank))
    return Factors(left: left, right: algebra.multiply(left.transposed, weight), rank: rank, energy: energy)
  }

  private static func project(
    _ layer: CompressibleLayer, _ stored: [Float], _ moments: LayerMoments?, _ recipe: LowRankRecipe,
    _ algebra: LinearAlgebra, _ editor: inout GraphEditor, _ result: inout LowRankResult
  ) {
    let node = editor.graph.nodes[layer.node]
    let weight = Matrix(
      rows: layer.outputs, columns: layer.length, values: layer.rows(stored).map { Double($0) })
    // The mean error goes into a bias where there is a place for it.
    var bias: [Double]?
    if !node.isStandard("MatMul") {
      bias = [Double](repeating: 0, count: layer.outputs)
      if let name = node.input(2) {
        let values = editor.floats(name)
        bias = values?.count == layer.outputs ? values?.map { Double($0) } : nil
      }
      if node.float("alpha") ?? 1 != 1 || node.float("beta") ?? 1 != 1 { bias = nil }
    }
    let moment = moments?.gram(centered: bias != nil, shrunk: false)
    guard let factors = factors(weight, secondMoment: moment, recipe, algebra) else {
      result.declined.append("\(layer.label): it could not be decomposed, or needs its full rank")
      return
    }
    let weights = factors.rank * (layer.outputs + layer.length)
    let share = Double(weights) / Double(layer.outputs * layer.length)
    guard pays(layer, rank: factors.rank, weights: weights, macShare: share, recipe, &result.declined) else {
      return
    }
    if let moments, var sums = bias {
      let column = Matrix(rows: moments.length, columns: 1, values: moments.means)
      let exact = algebra.multiply(weight, column).values
      let reached = algebra.multiply(factors.left, algebra.multiply(factors.right, column)).values
      for index in sums.indices { sums[index] += exact[index] - reached[index] }
      bias = sums
    } else {
      bias = nil
    }
    emit(layer, node, factors, bias, &editor)
    result.layers.append(
      LowRankResult.Layer(
        name: layer.label, fullRank: min(layer.outputs, layer.length), rank: factors.rank,
        energy: factors.energy,
        weightsBefore: layer.outputs * layer.length, weightsAfter: weights, macShare: share))
  }

  /// Puts the two layers in place of the one; `bias` replaces the node's own when it is given.
  private static func emit(
    _ layer: CompressibleLayer, _ node: Node, _ factors: Factors, _ bias: [Double]?,
    _ editor: inout GraphEditor
  ) {
    let middle = editor.names.fresh("\(node.outputs[0])_low_rank")
    let (first, second) = (factors.right.values.map { Float($0) }, factors.left.values.map { Float($0) })
    let rank = factors.rank
    var nodes: [Node] = []
    var rest = Array(node.inputs.dropFirst(2))
    if let bias {
      rest = [
        editor.addInitializer(.floats(bias.map { Float($0) }, [bias.count]), "\(layer.weightName)_bias")
      ]
    }
    if layer.isConvolution {
      let dimensions = [rank] + layer.dimensions.dropFirst()
      let ones = [Int](repeating: 1, count: layer.dimensions.count - 2)
      var reduce = node
      reduce.inputs = [
        node.inputs[0], editor.addInitializer(.floats(first, dimensions), "\(layer.weightName)_in"),
      ]
      reduce.outputs = [middle]
      nodes = [
        reduce,
        Node(
          "Conv", name: node.name.isEmpty ? "" : "\(node.name)_expand",
          inputs: [
            middle,
            editor.addInitializer(.floats(second, [layer.outputs, rank] + ones), "\(layer.weightName)_out"),
          ] + rest, outputs: node.outputs, attributes: ["kernel_shape": .ints(ones)]),
      ]
    } else {
      let down = factors.right.transposed.values.map { Float($0) }
      let up = layer.outputsLast ? factors.left.transposed.values.map { Float($0) } : second
      let name = editor.addInitializer(.floats(down, [layer.length, rank]), "\(layer.weightName)_in")
      nodes = [
        Node(
          "MatMul", name: node.name.isEmpty ? "" : "\(node.name)_reduce", inputs: [node.inputs[0], name],
          outputs: [middle])
      ]
      var expand = node
      let dimensions = layer.outputsLast ? [rank, layer.outputs] : [layer.outputs, rank]
      expand.inputs =
        [middle, editor.addInitializer(.floats(up, dimensions), "\(layer.weightName)_out")] + rest
      nodes.append(expand)
    }
    editor.replace(layer.node, with: nodes)
  }

  // MARK: Separation of a kernel into a vertical and a horizontal one

  private static func separate(
    _ layer: CompressibleLayer, _ stored: [Float], _ recipe: LowRankRecipe, _ algebra: LinearAlgebra,
    _ editor: inout GraphEditor, _ result: inout LowRankResult
  ) {
    let node = editor.graph.nodes[layer.node]
    let (outputs, inputs) = (layer.dimensions[0], layer.dimensions[1])
    let (height, width) = (layer.dimensions[2], layer.dimensions[3])
    guard let pads = node.ints("pads") ?? [0, 0, 0, 0] as [Int]?, pads.count == 4,
      ["NOTSET", "VALID"].contains(node.string("auto_pad") ?? "NOTSET")
    else {
      result.declined.append("\(layer.label): automatic padding is not taken apart")
      return
    }
    let strides = node.ints("strides") ?? [1, 1]
    let dilations = node.ints("dilations") ?? [1, 1]
    guard strides.count == 2, dilations.count == 2 else { return }
    // [C x kh, M x kw]
    var matrix = Matrix(rows: inputs * height, columns: outputs * width)
    for output in 0..<outputs {
      for input in 0..<inputs {
        for y in 0..<height {
          for x in 0..<width {
            matrix[input * height + y, output * width + x] = Double(
              stored[((output * inputs + input) * height + y) * width + x])
          }
        }
      }
    }
    guard let (u, s, vt) = algebra.singularValues(matrix), let (rank, energy) = rank(s, recipe) else {
      result.declined.append("\(layer.label): it could not be decomposed, or needs its full rank")
      return
    }
    let weights = rank * (inputs * height + outputs * width)
    // The vertical kernel also runs at the columns that the horizontal stride skips.
    let macs = rank * (inputs * height * strides[1] + outputs * width)
    let share = Double(macs) / Double(outputs * layer.length)
    guard pays(layer, rank: rank, weights: weights, macShare: share, recipe, &result.declined) else { return }
    var vertical = [Float](repeating: 0, count: rank * inputs * height)
    var horizontal = [Float](repeating: 0, count: outputs * rank * width)
    for component in 0..<rank {
      let root = s[component].squareRoot()
      for row in 0..<inputs * height {
        vertical[component * inputs * height + row] = Float(u[row, component] * root)
      }
      for output in 0..<outputs {
        for x in 0..<width {
          horizontal[(output * rank + component) * width + x] = Float(
            vt[component, output * width + x] * root)
        }
      }
    }
    let middle = editor.names.fresh("\(node.outputs[0])_low_rank")
    let isValid = node.string("auto_pad") == "VALID"
    func conv(_ inputs: [String], _ output: String, _ axis: Int, _ kernel: [Int], _ suffix: String) -> Node {
      func alone(_ values: [Int], _ neutral: Int) -> [Int] {
        (0..<2).map { $0 == axis ? values[$0] : neutral }
      }
      let own = isValid ? [0, 0, 0, 0] : pads
      return Node(
        "Conv", name: node.name.isEmpty ? "" : node.name + suffix, inputs: inputs, outputs: [output],
        attributes: [
          "kernel_shape": .ints(kernel), "strides": .ints(alone(strides, 1)),
          "dilations": .ints(alone(dilations, 1)),
          "pads": .ints((0..<4).map { $0 % 2 == axis ? own[$0] : 0 }),
        ])
    }
    let first = editor.addInitializer(.floats(vertical, [rank, inputs, height, 1]), "\(layer.weightName)_in")
    let second = editor.addInitializer(
      .floats(horizontal, [outputs, rank, 1, width]), "\(layer.weightName)_out")
    editor.replace(
      layer.node,
      with: [
        conv([node.inputs[0], first], middle, 0, [height, 1], "_vertical"),
        conv([middle, second] + node.inputs.dropFirst(2), node.outputs[0], 1, [1, width], ""),
      ])
    result.layers.append(
      LowRankResult.Layer(
        name: layer.label, fullRank: s.count, rank: rank, energy: energy,
        weightsBefore: outputs * layer.length, weightsAfter: weights, macShare: share))
  }
}
