extension PreprocessingDefaults {
  /// An ImageNet-style evaluation transform: shorter side to `resize`, centre crop of `crop`.
  ///
  /// - Parameter symmetric: Mean and standard deviation 0.5 (pixels from -1 to 1) instead of ImageNet's.
  static func classification(
    resize: Int, crop: Int, _ interpolation: Interpolation, symmetric: Bool = false
  ) -> PreprocessingDefaults {
    PreprocessingDefaults(
      preset: symmetric ? "inception" : "imagenet", resize: resize, crop: crop, interpolation: interpolation,
      mean: symmetric ? [0.5, 0.5, 0.5] : imageNetMean,
      standardDeviation: symmetric ? [0.5, 0.5, 0.5] : imageNetStandardDeviation)
  }

  /// timm's evaluation transform: bicubic, the crop is `thousandths` / 1000 of the shorter side, rounded down as
  /// `math.floor(size / crop_pct)` does.
  static func timm(size: Int, thousandths: Int, symmetric: Bool = false) -> PreprocessingDefaults {
    classification(resize: size * 1000 / thousandths, crop: size, .bicubic, symmetric: symmetric)
  }
}
