import ScopeBytes
import ScopeReport
import ScopeRuntime
import ScopeSecurity

/// The façade: one call per question, each returning measured values.
///
/// Nothing here prints or exits; progress goes to ``ScopeOptions/progress``.
public enum NeuralScope {
  public static let version = "0.1.0"

  /// What is it? Structure alone with `run: false`; otherwise also latency and where the time goes.
  ///
  /// - Throws: `ScopeError` naming the file and the place when the model cannot be read.
  public static func analyze(
    model path: String, run: Bool = true, options: ScopeOptions = ScopeOptions()
  ) throws(ScopeError) -> Report {
    var state = try ScopeRun(path: path, options: options, hash: run)
    try state.analyzeStructure()
    if !run {
      state.skip("analysis.latency", reason: "only structure was asked for", remedy: "run without --no-run")
    } else if state.model.graph != nil {
      do throws(ScopeError) {
        try state.measureLatency()
      } catch  where error.leavesTheRest {
        state.skip("analysis.latency", because: error)
      }
    }
    return state.finish()
  }

  /// How do two models differ? Structure, weights and every figure; with `run`, also which is faster here (timed in
  /// turn) and how far their outputs are apart; with data, their accuracy.
  ///
  /// - Throws: `ScopeError` naming the file and the place when a model or the data cannot be read.
  public static func compare(
    _ before: String, _ after: String, run: Bool = true, options: ScopeOptions = ScopeOptions()
  ) throws(ScopeError) -> Comparison {
    var stage = try ComparisonStage(before, after, options: options)
    try stage.compareStructure()
    guard run else {
      stage.skip(
        ["latency", "outputs"], reason: "only structure was asked for", remedy: "run without --no-run")
      return stage.result
    }
    do throws(ScopeError) {
      try stage.measure()
    } catch  where error.leavesTheRest {
      stage.skip(["latency", "outputs"], because: error)
    }
    if options.data.path == nil {
      stage.skip(["accuracy"], reason: "labelled images are needed", remedy: "--data DIR")
    }
    return stage.result
  }

  /// How much smaller and faster can it get? Writes the model to `options.optimizedPath`.
  ///
  /// - Throws: `ScopeError`; `unsupported` when the model is no image classifier with a graph.
  public static func optimize(model path: String, options: ScopeOptions) throws(ScopeError) -> Report {
    if let output = options.optimizedPath { try prepare(output, like: path) }
    var state = try ScopeRun(path: path, options: options, hash: true)
    _ = try state.model.executableGraph()
    try state.optimize()
    return state.finish()
  }

  /// What is left of its accuracy under attack?
  ///
  /// - Throws: `ScopeError`; `unsupported` naming the operator whose gradient is not known.
  public static func robustness(
    model path: String, options: ScopeOptions, sampleCount: Int = 0
  ) throws(ScopeError) -> Report {
    _ = try RobustnessStage.specifications(options, height: 224, width: 224)
    var state = try ScopeRun(path: path, options: options, hash: true)
    _ = try state.model.executableGraph()
    try state.attack(sampleCount: sampleCount)
    return state.finish()
  }

  /// Makes a classifier withstand small perturbations and measures what that costs; writes it to `settings.outputPath`.
  ///
  /// - Throws: `ScopeError`; `unsupported` when the model's weights cannot be trained.
  public static func harden(
    model path: String, settings: HardenOptions, options: ScopeOptions
  ) throws(ScopeError) -> Hardening {
    if let output = settings.outputPath { try prepare(output, like: path) }
    return try HardeningStage(path: path, settings: settings, options: options).run()
  }

  /// Is the file safe to load? Files and folders; nothing is executed.
  ///
  /// - Throws: `notFound`, `unreadable` for a path, the policy or the baseline; what is wrong inside a file is in its
  ///   verdict.
  public static func security(
    paths: [String], options: SecurityOptions = SecurityOptions()
  ) throws(ScopeError) -> SecurityScan {
    try SecurityRun.run(paths: paths, options: options)
  }

  /// Converts a pickle checkpoint to safetensors without executing it; tensors keep their bytes, shapes and types.
  ///
  /// - Throws: `unsupported` naming what would be lost; `malformed` and the like for a damaged input; `cannotWrite`.
  public static func sanitize(
    _ input: String, to output: String, options: SanitizeOptions = SanitizeOptions()
  ) throws(ScopeError) -> SanitizeResult {
    try Sanitizing.run(input, to: output, options: options)
  }

  /// All sections. A section that cannot be measured (no data, no engine, no graph) is absent and listed in
  /// `notMeasured`; what makes the model or the data unreadable ends the run.
  public static func report(model path: String, options: ScopeOptions) throws(ScopeError) -> Report {
    _ = try RobustnessStage.specifications(options, height: 224, width: 224)
    var options = options
    // Everything that is measured in bounded time.
    options.details.formUnion([.memory, .roofline, .throughput])
    var state = try ScopeRun(path: path, options: options, hash: true)
    try state.analyzeStructure()
    if state.model.graph == nil {
      for section in ["optimization", "robustness"] {
        state.skip(
          section, reason: "the file holds weights without a graph",
          remedy: state.model.notExecutable ?? "export the model to ONNX")
      }
    } else {
      try measure(&state, options: options)
    }
    try state.scan()
    return state.finish()
  }

  private static func measure(_ state: inout ScopeRun, options: ScopeOptions) throws(ScopeError) {
    var takesImages = true
    do throws(ScopeError) {
      _ = try state.model.imageInput()
    } catch {
      takesImages = false
      for section in ["optimization", "robustness"] { state.skip(section, because: error) }
    }
    // Data problems end the run: a report about other images than asked for would mislead.
    if takesImages, options.data.path != nil { _ = try state.needData() }
    do throws(ScopeError) {
      _ = try state.needEngine()
    } catch {
      let sections = takesImages ? ["analysis.latency", "optimization", "robustness"] : ["analysis.latency"]
      for section in sections {
        state.skip(section, because: error)
      }
      return
    }
    do throws(ScopeError) { try state.measureLatency() } catch  where error.leavesTheRest {
      state.skip("analysis.latency", because: error)
    }
    guard takesImages else { return }
    guard options.data.path != nil else {
      for section in ["optimization", "robustness"] {
        state.skip(section, reason: "labelled images are needed", remedy: "--data DIR")
      }
      return
    }
    do throws(ScopeError) { try state.optimize() } catch  where error.leavesTheRest {
      state.skip("optimization", because: error)
    }
    do throws(ScopeError) { try state.attack(sampleCount: 6) } catch  where error.leavesTheRest {
      state.skip("robustness", because: error)
    }
  }

  /// Proves before the long work that the output can be written.
  ///
  /// - Parameter model: the file whose size bounds what will be written.
  public static func prepare(_ output: String, like model: String) throws(ScopeError) {
    let folder = output.lastIndex(of: "/").map { String(output[..<$0]) } ?? "."
    let size = (try? ByteSlice(mappingFile: model).count) ?? 0
    try AtomicFile.prepareDirectory(folder.isEmpty ? "/" : folder, for: size)
  }
}

extension ScopeError {
  /// Whether the error concerns one section only: what the model or the engine cannot do says nothing against the
  /// other figures. Unreadable models and data end the run.
  var leavesTheRest: Bool { [.unsupported, .engineUnavailable, .engineFailure].contains(code) }
}
