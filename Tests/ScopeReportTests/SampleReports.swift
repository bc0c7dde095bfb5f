import ScopeReport
import Testing

/// Fixed reports the tests render. Their figures are inputs of the renderer, not claims about a model.
enum SampleReports {
  static func conditions() -> Report.Conditions {
    var machine = Report.Machine(
      cpu: "AMD EPYC 7B13", cores: 2, memoryBytes: 8_589_934_592, operatingSystem: "Debian GNU/Linux 12")
    machine.instructionSets = ["AVX2"]
    var conditions = Report.Conditions(
      tool: Report.Tool(version: "0.1.0"), date: "2026-11-23T04:09:48Z", machine: machine)
    conditions.engine = Report.Engine(
      version: "1.31.1", path: "runtime/libonnxruntime.so.1.31.1", provider: "CPU")
    conditions.threads = 2
    conditions.seeds = [
      Report.Seed(purpose: "subset", value: 0), Report.Seed(purpose: "attack start", value: 0),
    ]
    conditions.durationSeconds = 47.3
    return conditions
  }

  static func imageClassifier() -> Report {
    var model = Report.Model(
      name: "efficientnet-lite0-57934424.pth", path: "models/efficientnet-lite0-57934424.pth",
      format: "pytorch",
      sha256: "57934424ab5a1a5f0b6dd2bdc8e6e2d8a1a4a2dc16d0c9cbd2a3a0f1e7d7a111", bytes: 18_826_032,
      architecture: "EfficientNet-Lite0")
    model.formatDetail = "zip checkpoint, state dict"
    model.architectureDescription =
      "EfficientNet without squeeze-and-excitation and with ReLU6, made to quantize well on phones"
    model.architectureEvidence = "all 312 parameter names and shapes match"
    model.architectureYear = 2020
    model.architectureSource = "Tan and Le, EfficientNet-Lite"
    var conditions = conditions()
    var data = Report.Dataset(
      path: "data/imagenet-sample", images: 500, classes: 1000,
      preprocessing: "resize 256 bicubic, crop 224, mean 127/255, std 128/255")
    data.preprocessingSource = "default of EfficientNet-Lite0"
    data.skipped = [Report.SkippedFile(file: "n01440764/broken.jpg", reason: "premature end of JPEG")]
    data.skippedCount = 1
    conditions.data = data
    conditions.command =
      "neural-scope report models/efficientnet-lite0-57934424.pth --data data/imagenet-sample"
    var report = Report(model: model, conditions: conditions)
    report.analysis = imageAnalysis()
    report.optimization = imageOptimization()
    var security = Report.Security(
      verdict: .safe,
      findings: [
        Report.Finding(
          rule: "ADV001", severity: .medium, kind: .advisory,
          title: "The quantized model loses more under attack than the original",
          evidence: "PGD-10 at 2/255: 3.1 points more (24.2% against 21.1%, 400 images)",
          mitigation:
            "Attack the INT8 model before release and keep the original where inputs are untrusted.",
          reason: "Rounding moves decision boundaries; robustness is not carried over."),
        Report.Finding(
          rule: "REP002", severity: .low, kind: .file, title: "No model signature",
          evidence: "no OpenSSF Model Signing bundle beside the file",
          mitigation: "Sign the released file and verify the signature before loading.",
          place: "models/", reference: "CWE-347"),
      ])
    security.filesScanned = 1
    report.security = security
    report.robustness = imageRobustness()
    report.notMeasured = [
      Report.NotMeasured(
        path: "analysis.latency.p99Milliseconds", reason: "needs at least 662 runs, 240 were made",
        remedy: "neural-scope analyze MODEL --runs 700")
    ]
    return report
  }

  private static func imageAnalysis() -> Report.Analysis {
    var analysis = Report.Analysis(parameters: .count(4_652_008))
    analysis.trainableParameters = .count(4_652_008)
    analysis.buffers = .count(42_048)
    analysis.modules = .count(215)
    analysis.parameterisedModules = .count(99)
    analysis.weightLayers = .count(50)
    analysis.graphNodes = .count(100)
    analysis.macs = .macs(385_187_552, conditions: "Conv, Gemm and MatMul, one image of 224 x 224")
    analysis.macsComplete = true
    analysis.flops = Figure(770_375_104, .floatingPointOperations)
    analysis.weightBytes = .bytes(18_608_032)
    analysis.weightTypes = ["float32"]
    analysis.peakActivationBytes = .bytes(9_720_192, conditions: "batch 1")
    analysis.peakActivationBytesNaive = .bytes(9_720_192)
    analysis.peakActivationTensor = "blocks.1.0/expand"
    analysis.opset = 17
    analysis.inputs = [
      Report.TensorSignature(name: "input", dataType: "float32", shape: ["N", "3", "224", "224"])
    ]
    analysis.outputs = [Report.TensorSignature(name: "logits", dataType: "float32", shape: ["N", "1000"])]
    var latency = Report.Latency(
      p50Milliseconds: .milliseconds(11.24, samples: 240), samples: 240, threads: 2, batch: 1)
    latency.p90Milliseconds = .milliseconds(12.02)
    latency.interquartileRangeMilliseconds = .milliseconds(0.41)
    latency.loadMilliseconds = .milliseconds(66.1)
    latency.firstInferenceMilliseconds = .milliseconds(31.7)
    latency.imagesPerSecond = Figure(88.97, .imagesPerSecond)
    latency.warmupRuns = 24
    analysis.latency = latency
    let names = [
      ("blocks.1.0/depthwise", 0.94, 0.0841, 10_838_016), ("stem/conv", 0.81, 0.0725, 10_838_016),
      ("blocks.0.0/depthwise", 0.71, 0.0636, 3_612_672), ("head/conv", 0.66, 0.0591, 20_070_400),
      ("blocks.1.0/expand", 0.62, 0.0555, 19_267_584), ("blocks.6.0/project", 0.48, 0.0430, 18_063_360),
      ("blocks.1.1/depthwise", 0.44, 0.0394, 4_064_256), ("blocks.5.0/expand", 0.39, 0.0349, 14_751_744),
      ("blocks.2.0/expand", 0.37, 0.0331, 10_838_016), ("blocks.1.1/expand", 0.35, 0.0313, 10_838_016),
    ]
    var profile = Report.Profile(kernelMilliseconds: 11.17, runs: 20, conditions: "2 threads, batch 1")
    profile.kernels = names.map {
      var kernel = Report.Kernel(
        name: $0.0, opType: "Conv", sources: [$0.0], milliseconds: $0.1, share: $0.2)
      kernel.macs = $0.3
      return kernel
    }
    profile.byOperator = [Report.TimeShare(name: "Conv", kernels: 10, milliseconds: 5.77, share: 0.5165)]
    analysis.profile = profile
    return analysis
  }

  private static func imageOptimization() -> Report.Optimization {
    var optimization = Report.Optimization(
      originalBytes: 18_826_032, optimizedBytes: 5_103_221, isApproximate: true)
    optimization.speedup = .ratio(
      1.39, interval: Figure.Interval(low: 1.35, high: 1.43, method: "bootstrap of medians"), samples: 80,
      conditions: "interleaved, 2 threads, batch 1")
    optimization.originalP50Milliseconds = .milliseconds(11.31)
    optimization.optimizedP50Milliseconds = .milliseconds(8.14)
    optimization.originalAccuracy = .proportion(354, of: 400)
    optimization.optimizedAccuracy = .proportion(353, of: 400)
    optimization.agreement = .proportion(394, of: 400)
    optimization.techniques = [
      "batch-norm folding", "constant folding", "INT8 static quantization (QDQ)", "per-channel weights",
      "reduced range except depthwise",
    ]
    optimization.chosen = "u8s8 per-channel, 7-bit, depthwise 8-bit"
    optimization.maximumAccuracyDrop = 0.01
    optimization.calibrationImages = 100
    optimization.evaluationImages = 400
    optimization.optimizedPath = "report/optimized.onnx"
    func candidate(
      _ name: String, _ bytes: Int, _ correct: Int, _ agree: Int, _ time: Double, _ speedup: Double,
      _ verdict: String,
      _ standing: Report.Candidate.Standing = .out
    ) -> Report.Candidate {
      var candidate = Report.Candidate(name: name, verdict: verdict, standing: standing)
      candidate.bytes = .bytes(bytes)
      candidate.accuracy = .proportion(correct, of: 400)
      candidate.agreement = .proportion(agree, of: 400)
      candidate.p50Milliseconds = .milliseconds(time)
      candidate.speedup = .ratio(speedup)
      return candidate
    }
    optimization.candidates = [
      candidate("original", 18_826_032, 354, 400, 11.31, 1, "the model as given", .original),
      candidate("folded FP32", 18_573_120, 354, 400, 11.22, 1.01, "exact, not faster", .within),
      candidate("u8s8 per-tensor", 4_810_332, 320, 346, 7.81, 1.45, "loses 8.5 points", .front),
      candidate("u8s8 per-channel", 5_100_912, 336, 357, 8.02, 1.41, "loses 4.5 points"),
      candidate(
        "u8s8 per-channel, 7-bit, depthwise 8-bit", 5_103_221, 353, 394, 8.14, 1.39,
        "chosen: fastest within 1 point", .chosen),
      candidate("u8u8 per-channel", 5_120_004, 353, 394, 70.7, 0.16, "slower than FP32"),
    ]
    optimization.objective = "latency"
    optimization.accuracyDrop = .fraction(
      0.0025, interval: Figure.Interval(low: -0.004, high: 0.009, method: "Agresti-Min, paired"),
      samples: 400,
      conditions: "2 lost, 1 gained; exact McNemar p = 1.0")
    for index in [2, 4] { optimization.candidates[index].isOnFront = true }
    // Wide enough to reach the place where the name would stand.
    optimization.candidates[4].p50Milliseconds = .milliseconds(
      8.14, interval: Figure.Interval(low: 7.9, high: 8.5))
    optimization.candidates[4].path = "work/front/1.onnx"
    for index in 2...5 {
      optimization.candidates[index].calibrationSQNR = [18.4, 21.2, 26.1, 26.3][index - 2]
      optimization.candidates[index].steps = [
        "INT8 static quantization, QDQ form", "Closed-form bias correction",
      ]
    }
    optimization.sensitivity = [
      Report.LayerSensitivity(layer: "stem/conv", opType: "Conv", parameterShare: 0.0002, sqnr: 14.2),
      Report.LayerSensitivity(
        layer: "blocks.0.0/depthwise", opType: "Conv", parameterShare: 0.0001, sqnr: 17.9),
      Report.LayerSensitivity(layer: "head/conv", opType: "Conv", parameterShare: 0.088, sqnr: 33.0),
      Report.LayerSensitivity(layer: "classifier", opType: "Gemm", parameterShare: 0.275, sqnr: 38.4),
    ]
    optimization.explanations = ["u8u8 per-channel is slower because 49 QLinearConv kernels take 59 ms more"]
    var engines = Report.EngineTable(best: "OpenVINO, 2 threads, fixed shapes")
    engines.openVINOOverONNXRuntime = .ratio(1.21, interval: Figure.Interval(low: 1.17, high: 1.25))
    func row(
      _ name: String, _ time: Double, _ ratio: (Double, Double, Double)?, _ verdict: String,
      best: Bool = false
    ) -> Report.EngineTable.Row {
      var row = Report.EngineTable.Row(configuration: name, isBest: best, verdict: verdict)
      row.p50Milliseconds = .milliseconds(time)
      row.speedup = ratio.map {
        .ratio(
          $0.0, interval: Figure.Interval(low: $0.1, high: $0.2), conditions: "against OpenVINO, 2 threads")
      }
      return row
    }
    engines.rows = [
      row("ONNX Runtime, 2 threads", 8.14, nil, "the default"),
      row("OpenVINO, 2 threads", 7.1, nil, "the default"),
      row("OpenVINO, 2 threads, fixed shapes", 6.7, (1.06, 1.03, 1.09), "faster", best: true),
      row("OpenVINO, 1 thread", 11.9, (0.6, 0.58, 0.62), "slower"),
    ]
    optimization.engines = engines
    optimization.notes = [
      "8-bit weights can saturate the integer kernels of x86 processors without VNNI"
    ]
    return optimization
  }

  private static func imageRobustness() -> Report.Robustness {
    func accuracy(_ correct: Int) -> Figure { .proportion(correct, of: 400) ?? .fraction(0) }
    var robustness = Report.Robustness(cleanAccuracy: accuracy(354))
    robustness.score = Figure(28.2, .score)
    robustness.level = "low"
    robustness.headlineEpsilon = 1.0 / 255
    robustness.headlineNorm = "Linf"
    robustness.headlineAttack = "PGD-10"
    for (name, correct) in [("FGSM", [148, 97, 71, 58]), ("PGD-10", [100, 31, 6, 0])] {
      for (level, count) in zip([1, 2, 4, 8], correct) {
        var attack = Report.Attack(
          name: name, norm: "Linf", epsilon: Double(level) / 255, epsilonText: "\(level)/255",
          robustAccuracy: accuracy(count))
        attack.seconds = 3.2
        robustness.attacks.append(attack)
      }
    }
    for (epsilon, count) in zip([0.25, 0.5, 1.0], [214, 121, 30]) {
      robustness.attacks.append(
        Report.Attack(
          name: "PGD-10", norm: "L2", epsilon: epsilon, epsilonText: "\(epsilon)",
          robustAccuracy: accuracy(count)))
    }
    robustness.worstCase = zip([1, 2, 4, 8], [98, 31, 6, 0]).map {
      Report.WorstCase(norm: "Linf", epsilon: Double($0) / 255, robustAccuracy: accuracy($1))
    }
    robustness.optimizedComparison = zip([1, 2], [(100, 93), (31, 18)]).map { level, counts in
      Report.OptimizedUnderAttack(
        attack: "PGD-10", norm: "Linf", epsilon: Double(level) / 255,
        originalRobustAccuracy: accuracy(counts.0),
        optimizedRobustAccuracy: accuracy(counts.1))
    }
    robustness.images = 400
    robustness.seconds = 31.4
    for (index, names) in [("tench", "barracouta"), ("goldfinch", "indigo bunting"), ("espresso", "cup")]
      .enumerated()
    {
      let clean = pattern(Float(index), noise: 0)
      let perturbed = pattern(Float(index), noise: 2.0 / 255)
      robustness.samples.append(
        Report.Sample(
          label: names.0, attack: "PGD-10", epsilonText: "2/255", cleanImage: clean, cleanPrediction: names.0,
          cleanConfidence: 0.93, perturbedImage: perturbed, perturbedPrediction: names.1,
          perturbedConfidence: 0.97 - 0.1 * Double(index)))
    }
    return robustness
  }

  /// A smooth picture with a deterministic perturbation, 96 x 96.
  static func pattern(_ phase: Float, noise: Float, side: Int = 96) -> String {
    var planes = [Float](repeating: 0, count: 3 * side * side)
    var state: UInt32 = 12345
    for channel in 0..<3 {
      for y in 0..<side {
        for x in 0..<side {
          state = state &* 1_664_525 &+ 1_013_904_223
          let sign: Float = state & 0x8000_0000 == 0 ? -1 : 1
          let dx = Float(x) / Float(side) - 0.5 - 0.1 * phase
          let dy = Float(y) / Float(side) - 0.5 + 0.05 * phase
          let value = 1 - 2 * (dx * dx + dy * dy) * (1 + 0.4 * Float(channel)) - 0.12 * Float(channel) * phase
          planes[channel * side * side + y * side + x] = min(max(value + noise * sign, 0), 1)
        }
      }
    }
    return SampleImage.base64PNG(planes: planes, channels: 3, height: side, width: side) ?? ""
  }

  /// A small, fragile network on few images where INT8 does not help: other rules apply than above.
  static func smallNetwork() -> Report {
    var model = Report.Model(
      name: "resnet20-12fca82f.th", path: "models/resnet20-12fca82f.th", format: "pytorch",
      sha256: "12fca82f0f2c3f5c9f6c5a3a1b7d9e0f12fca82f0f2c3f5c9f6c5a3a1b7d9e0f", bytes: 1_119_483,
      architecture: "CIFAR ResNet-20")
    model.architectureYear = 2015
    model.architectureSource = "He et al., Deep Residual Learning"
    var conditions = conditions()
    conditions.data = Report.Dataset(
      path: "data/cifar", images: 40, classes: 10, preprocessing: "divide by 255, ImageNet mean and std")
    var report = Report(model: model, conditions: conditions)
    var analysis = Report.Analysis(parameters: .count(269_722))
    analysis.weightLayers = .count(20)
    analysis.graphNodes = .count(72)
    analysis.macs = .macs(40_551_040)
    analysis.weightBytes = .bytes(1_078_888)
    analysis.peakActivationBytes = .bytes(1_300_000)
    var latency = Report.Latency(p50Milliseconds: .milliseconds(0.912), samples: 300, threads: 2, batch: 1)
    latency.interquartileRangeMilliseconds = .milliseconds(0.21)
    analysis.latency = latency
    report.analysis = analysis
    var optimization = Report.Optimization(
      originalBytes: 1_119_483, optimizedBytes: 1_101_200, isApproximate: false)
    optimization.speedup = .ratio(1.01, interval: Figure.Interval(low: 0.97, high: 1.05))
    optimization.originalAccuracy = .proportion(33, of: 40)
    optimization.optimizedAccuracy = .proportion(33, of: 40)
    optimization.evaluationImages = 40
    optimization.techniques = ["batch-norm folding"]
    report.optimization = optimization
    report.security = Report.Security(verdict: .safe)
    var robustness = Report.Robustness(cleanAccuracy: .proportion(33, of: 40) ?? .fraction(0))
    robustness.attacks = zip([4, 8], [0.0705, 0.0725]).map {
      Report.Attack(
        name: "FGSM", norm: "Linf", epsilon: Double($0) / 255, epsilonText: "\($0)/255",
        robustAccuracy: .fraction($1))
    }
    report.robustness = robustness
    return report
  }

  /// Structure and security only: no engine, no data, nothing recognised.
  static func structureOnly() -> Report {
    var conditions = conditions()
    conditions.engine = nil
    conditions.threads = nil
    var report = Report(
      model: Report.Model(
        name: "weights.safetensors", path: "weights.safetensors", format: "safetensors",
        sha256: String(repeating: "ab", count: 32), bytes: 2_000_000_000),
      conditions: conditions)
    var analysis = Report.Analysis(parameters: .count(500_000_000))
    analysis.weightBytes = .bytes(2_000_000_000)
    report.analysis = analysis
    report.security = Report.Security(verdict: .safe)
    report.notMeasured = [
      Report.NotMeasured(
        path: "analysis.latency", reason: "the file holds weights but no graph",
        remedy: "export the model to ONNX"),
      Report.NotMeasured(
        path: "optimization", reason: "there is no graph to optimize", remedy: "export the model to ONNX"),
      Report.NotMeasured(
        path: "robustness", reason: "no data was given", remedy: "neural-scope robustness MODEL --data DIR"),
    ]
    return report
  }

  /// Every text field carries what each output form must make inert.
  static let hostileText =
    "<script>alert(1)</script>\" onload='x' | [a](http://evil.example) `rm` \u{1B}[31m\u{202E}\n# x ${HOME} & <!-- "

  static func hostile() -> Report {
    let text = hostileText
    var report = imageClassifier()
    report.model.name = text
    report.model.path = text
    report.model.architecture = text
    report.model.architectureDescription = text
    report.model.architectureEvidence = text
    report.model.formatDetail = text
    report.analysis?.peakActivationTensor = text
    report.analysis?.profile?.kernels[0].sources = [text]
    report.analysis?.profile?.kernels[0].opType = text
    report.analysis?.inputs[0].name = text
    report.analysis?.notes = [text]
    report.optimization?.techniques = [text]
    report.optimization?.candidates[1].name = text
    report.optimization?.candidates[1].verdict = text
    report.optimization?.optimizedPath = text
    report.optimization?.objective = text
    report.optimization?.candidates[1].steps = [text]
    report.optimization?.candidates[1].path = text
    report.optimization?.candidates[1].isOnFront = true
    report.optimization?.candidates[2].name = text
    report.optimization?.candidates[3].verdict = text + text
    report.optimization?.chosen = text
    report.optimization?.sensitivity[0].layer = text
    report.optimization?.sensitivity[1].opType = text
    report.optimization?.explanations = [text]
    report.optimization?.notes = [text]
    report.optimization?.engines?.best = text
    report.optimization?.engines?.rows[2].configuration = text
    report.optimization?.engines?.rows[2].verdict = text
    report.optimization?.engines?.rows[2].speedup?.conditions = text
    report.security?.findings = [
      Report.Finding(
        rule: text, severity: .high, kind: .file, title: text, evidence: text, mitigation: text, place: text,
        reason: text, reference: text)
    ]
    report.robustness?.attacks[0].name = text
    report.robustness?.attacks[0].epsilonText = text
    report.robustness?.samples[0].label = text
    report.robustness?.samples[0].cleanImage = "\"><script>" + text
    report.robustness?.samples[0].perturbedPrediction = text
    report.conditions.command = text
    report.conditions.warnings = [text]
    report.conditions.data?.path = text
    report.notMeasured = [Report.NotMeasured(path: text, reason: text, remedy: text)]
    return report
  }
}

/// Test logs name a report; its whole value would fill them.
extension Report: CustomTestStringConvertible {
  public var testDescription: String { "report on \(model.name.prefix(40))" }
}
