/// TFL001: Flex or custom operator. Operators of TensorFlow that the flex delegate runs, and custom operators that the
/// application registers. Those that reach files, the network or Python are high; the custom operators that TensorFlow
/// Lite and MediaPipe themselves provide are low.
enum TFL001: TFLiteRule {
  static let description = RuleDescription(
    id: "TFL001", severity: .medium, title: "Flex or custom operator",
    detects: "Operators of TensorFlow that the flex delegate runs, and custom operators that the "
      + "application registers. Those that reach files, the network or Python are high; the custom "
      + "operators that TensorFlow Lite and MediaPipe themselves provide are low.",
    why: "Built-in operators compute and nothing else; flex operators bring all of TensorFlow, custom ones "
      + "whatever the application links under that name.",
    example: "custom_code = \"FlexWriteFile\"",
    mitigation: "Convert the model again with built-in operators only, or review the operators named here.",
    references: ["CWE-829", "CWE-73"])

  static func findings(in model: TFLiteSubject) -> [Finding] {
    var seen: Set<String> = []
    return model.customOperators.filter { seen.insert($0).inserted }.prefix(64).map { name in
      let shown = PickleAnalysis.printable(String(name.prefix(120)))
      let place = FindingPlace(member: model.member.map { "\($0): operator_codes" } ?? "operator_codes")
      guard name.hasPrefix("Flex") else {
        return isKnown(name)
          ? finding(
            "custom operator \(shown)", title: "Custom operator of TensorFlow Lite", severity: .low,
            place: place,
            why: "The operator is one that TensorFlow Lite or MediaPipe provides.")
          : finding("custom operator \(shown)", title: "Custom operator", place: place)
      }
      let type = String(name.dropFirst(4))
      let reaches =
        FileOperator.python.contains(type) || FileOperator.all[type] != nil || type.contains("File")
        || type.contains("Reader")
      return finding(
        "flex operator \(shown)",
        title: reaches ? "Flex operator that reaches outside the model" : "Flex operator",
        severity: reaches ? .high : .medium, place: place)
    }
  }

  private static func isKnown(_ name: String) -> Bool {
    known.contains(name) || name.hasPrefix("TFLite_") || name.hasPrefix("TFSentencepiece")
      || name.hasPrefix("TFText>")
      || name.hasPrefix("TFText_")
  }

  /// `tensorflow/lite/kernels/custom_ops_register.h`, MediaPipe's and Coral's operators.
  private static let known: Set<String> = [
    "MaxPoolingWithArgmax2D", "MaxUnpooling2D", "Convolution2DTransposeBias", "TransformTensorBilinear",
    "TransformLandmarks", "Landmarks2TransformMatrix", "edgetpu-custom-op", "KmeansEmbeddingLookup",
    "UniversalSentenceEncoder", "SentencepieceEncodeSparse", "AudioSpectrogram", "Mfcc", "NumericVerify",
    "TFLite_Detection_PostProcess", "HashTable", "HashTableFind", "HashTableImport", "HashTableSize",
    "Irfft2D",
    "Multinomial", "RandomStandardNormal", "RandomUniform", "Roll", "StridedSliceGrad",
    "RaggedTensorToTensor",
    "WhitespaceTokenizer", "FastWordpieceTokenizeWithOffsets", "FastWordpieceDetokenize", "SignalRfft",
    "SignalFftAutoScale",
    "SignalFilterBank", "SignalWindow", "SignalFramer", "SignalEnergy", "SignalPCAN", "SignalStacker",
    "SignalDelay",
    "SignalOverlapAdd", "SignalFilterBankLog", "SignalFilterBankSquareRoot",
    "SignalFilterBankSpectralSubtraction",
    "SignalIrfft", "CIRCULAR_BUFFER", "ethos-u", "DenseImageWarp", "GroupNorm", "odml.rms_norm",
    "odml.scaled_dot_product_attention", "odml.update_kv_cache", "GenAI", "SpectrogramOp", "Bucketize",
    "custom_call.GroupNorm", "Resampler", "ComplexAbs", "Rfft2D", "SpaceToDepth", "ReverseSequence",
  ]
}
