/// Every threshold that a sentence of the report depends on, with where it comes from.
///
/// A sentence is chosen by comparing a figure with one of these, so two models on different sides of a threshold
/// read differently and a reader can look up why.
package enum Thresholds {
  /// Parameters of a microcontroller-class network: the MLPerf Tiny reference models have 24 to 221 thousand
  /// (Banbury et al. 2021) plus an autoencoder of 270 thousand.
  package static let tinyParameters = 500_000.0
  /// Networks made for phones: MobileNetV2 3.5 million (Sandler et al. 2018), EfficientNet-Lite0 to 4 4.7 to 13 million.
  package static let mobileParameters = 15e6
  /// Usual server networks: ResNet-50 25.6 million (He et al. 2015), ViT-B/16 86.6 million (Dosovitskiy et al. 2020).
  package static let serverParameters = 100e6

  /// Flash of a large microcontroller (STM32H7 data sheet: up to 2 MB).
  package static let microcontrollerBytes = 2e6
  /// Unpacked size limit of an AWS Lambda function (AWS documentation: 250 MB).
  package static let serverlessBytes = 250e6

  /// Graph nodes per weight layer above which much of the graph is bookkeeping that fusion removes
  /// (an ONNX export of ResNet18 has 65 nodes for 21 weight layers, 25 after ONNX Runtime's fusion).
  package static let fusibleNodeRatio = 3.0

  /// Uses of a float32 weight per image above which arithmetic, not memory traffic, limits the speed: the balance
  /// point of the roofline model (Williams et al. 2009) on a 2-core AVX2 machine with 80.6 GFLOP/s and 17.3 GB/s,
  /// 80.6 / 17.3 x 4 bytes / 2 operations = 9.3.
  package static let weightReuse = 9.3

  /// Frames per second of common video (ITU-R BT.709 lists 24 to 60).
  package static let videoRate = 30.0
  package static let highVideoRate = 60.0
  /// A response within 100 ms feels immediate (Nielsen 1993, after Miller 1968).
  package static let immediateMilliseconds = 100.0
  /// IQR / median above which a latency is called noisy.
  package static let noisySpread = 0.10
  /// p99 / p50 above which the tail, not the median, sets the user's experience.
  package static let heavyTail = 2.0
  /// Share of time in one node above which it is worth a look of its own.
  package static let dominantNode = 0.20

  /// Peak of live activations over their median above which a few layers, not the whole graph, decide the memory.
  package static let shortPeak = 3.0
  /// Measured arena over the bound by liveness above which the engine's own buffers matter: ONNX Runtime 1.31.1 stays
  /// below 1.3 on ResNet18 and MobileNetV3-Small and needs 3.3 to 3.8 on ViT-B/16 and Swin-T.
  package static let arenaOverhead = 1.5
  /// Share of other arithmetic above which multiply-accumulates alone mislead.
  package static let notableOtherWork = 0.05
  /// Share of time in kernels that the engine inserted (layout reorders) above which they are named.
  package static let notableReorders = 0.03
  /// Share of the roofline above which kernels are called close to it: the roofs themselves are measured, with a large
  /// matrix product and a triad, so smaller kernels stay below them.
  package static let nearRoof = 0.75
  /// Gain of the best batch over batch 1 that is worth the added latency.
  package static let worthwhileBatching = 1.10
  /// Speedup over threads divided by their number, above which threads are used well.
  package static let goodScaling = 0.75

  /// Reduction that 8-bit weights give when nearly all bytes of a float32 file are weights: 1 - 8/32.
  package static let eightBitReduction = 0.75
  /// Reduction or gain below which an optimized model is not worth a change of artefact.
  package static let worthwhileReduction = 0.10
  /// Accuracy drop accepted when the run names none; the default of `--max-accuracy-drop`.
  package static let accuracyDrop = 0.01
  /// Agreement with the original below which equal accuracy hides exchanged errors.
  package static let closeAgreement = 0.97

  /// Signal-to-quantization-noise ratio of the scores, decibel, below which one layer alone disturbs them: 20 dB is noise
  /// of a tenth of the signal's amplitude, by the definition of the decibel.
  package static let audibleSQNR = 20.0
  /// Decibels below the median layer from which a layer stands out: twice the noise amplitude (20 log10 2 = 6.02).
  package static let outlierSQNR = 6.02
  /// Share of the parameters that may stay in float32 at little cost: 5% at four bytes instead of one add 15% to an
  /// INT8 file.
  package static let cheapFloatShare = 0.05

  /// Images below which an accuracy is too uncertain to decide on: at 100 images the 95% Wilson interval of an
  /// accuracy of 0.9 is still 12 points wide.
  package static let minimumEvaluationImages = 100
  /// Correct predictions lost to an attack that make a model fragile at that radius.
  package static let fragileLoss = 0.50
  package static let noticeableLoss = 0.10
  /// Largest radius that changes an 8-bit image invisibly in print: 2 of 255 grey levels per pixel.
  package static let invisibleEpsilon = 2.0 / 255 + 1e-9
  /// Extra loss of the optimized model under attack that counts as a difference.
  package static let optimizedExtraLoss = 0.02
  /// Softmax confidence at which a wrong answer passes the usual confidence filters.
  package static let confidentMistake = 0.9
  /// Expected calibration error up to which confidence is taken as probability: modern networks reach 2% after
  /// temperature scaling and 4 to 10% before (Guo et al. 2017, arXiv:1706.04599, table 1).
  package static let calibratedError = 0.03

  /// Chance below which a difference of two models counts as proven; the usual level of a two-sided test.
  package static let significance = 0.05
  /// Share of confident answers to images of nothing from which confidence is no filter: one in ten would pass.
  package static let confidentUnknowns = 0.1

  /// Scores (100 x robust / clean accuracy) that separate the levels in the text.
  package static let strongScore = 70.0
  package static let weakScore = 30.0

  /// Years after which an architecture is called old: the field's benchmarks turned over about once in five years
  /// (AlexNet 2012, ResNet 2015, EfficientNet 2019, ViT 2020).
  package static let oldArchitectureYears = 5
}
