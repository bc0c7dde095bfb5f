import ScopeBytes
import ScopeGradients
import ScopeGraph
import ScopeRuntime

/// What the student is to give.
public enum DistillationTeacher: Sendable {
  /// The original model: it looks at every (changed) batch itself.
  case model(Model)
  /// Its logits for the calibration samples, [samples, ...] row-major in the order of the context's calibration indices,
  /// when the model is no longer there. Samples then stay as they are: no flips, moves or mixtures.
  case logits([Float])
}

/// A teacher that answers for batches.
struct TeacherRunner {
  private let session: Session
  private let logits: String
  private let features: [String]

  init(_ model: Model, features: [String], context: OptimizationContext) throws(ScopeError) {
    var model = try TeacherRunner.sized(model, context)
    guard let logits = BackwardGraph.logits(of: model.graph) else {
      throw ScopeError(.invalidGraph, "the teacher has no output")
    }
    let defined = Set(model.graph.nodes.flatMap(\.outputs))
    for name in features where !defined.contains(name) {
      throw ScopeError(.invalidArgument, "the teacher has no value '\(name)'")
    }
    var wanted = [logits]
    for name in features where !wanted.contains(name) { wanted.append(name) }
    model.graph.outputs = wanted.map { ValueInfo(name: $0, dataType: .float32, shape: nil) }
    _ = try EliminateDeadNodes().run(&model)
    session = try Session(engine: context.engine, model: model, options: context.sessionOptions)
    self.logits = logits
    self.features = features
  }

  /// - Returns: logits, then the features in the order asked for.
  func answer(_ feed: [String: HostArray]) throws(ScopeError) -> (logits: HostArray, features: [HostArray]) {
    var feed = feed
    // One input each: the names need not be the same.
    if session.inputs.count == 1, feed.count == 1, let only = feed.values.first {
      feed = [session.inputs[0].name: only]
    }
    let results = try session.run(feed)
    func array(_ name: String) throws(ScopeError) -> HostArray {
      guard let array = results[name], !array.floats.isEmpty else {
        throw ScopeError(.unsupported, "the teacher's value '\(name)' is not float32")
      }
      return array
    }
    var arrays: [HostArray] = []
    for name in features { arrays.append(try array(name)) }
    return (try array(logits), arrays)
  }

  /// `model` with the samples' sizes in its inputs and its batch left open.
  static func sized(_ model: Model, _ context: OptimizationContext) throws(ScopeError) -> Model {
    var model = model
    model.graph.inputs = model.graph.requiredInputs
    if model.graph.inputs.count == 1 { model = try DynamicBatch.rewrite(model).model }
    guard let first = model.graph.inputs.first, let sample = context.calibration.first else {
      throw ScopeError(.invalidData, "there are no calibration samples, or the model has no input")
    }
    try context.samples.check(model.graph.inputs)
    let feed = context.samples.feed([sample], input: first.name)
    for index in model.graph.inputs.indices {
      guard var shape = model.graph.inputs[index].shape,
        let sizes = feed[model.graph.inputs[index].name]?.dimensions, sizes.count == shape.rank
      else { continue }
      for axis in shape.dimensions.indices.dropFirst() where shape.dimensions[axis].value == nil {
        shape.dimensions[axis] = .known(sizes[axis])
        // Declared inner shapes may carry the symbolic size.
        model.graph.valueInfo = []
      }
      model.graph.inputs[index].shape = shape
    }
    return model
  }
}
