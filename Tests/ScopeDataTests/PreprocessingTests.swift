import ScopeBytes
import ScopeData
import Testing

@Suite struct PreprocessingTests {
  @Test func presetsHaveTheirPublishedConstants() throws {
    #expect(try Preprocessing.preset("imagenet").normalization.mean == [0.485, 0.456, 0.406])
    #expect(Preprocessing.tf.normalization.mean[0] == 127.0 / 255)
    #expect(Preprocessing.tf.normalization.standardDeviation[2] == 128.0 / 255)
    #expect(Preprocessing.tf.interpolation == .bicubic)
    #expect(throws: ScopeError.self) { try Preprocessing.preset("coco") }
  }

  @Test func customConstantsReplaceThoseOfTheBase() throws {
    let custom = try Preprocessing.custom(
      basedOn: .imagenet, mean: "127/255", standardDeviation: "0.5, 0.5,0.25", resize: "320", crop: "288x256",
      interpolation: "bicubic")
    #expect(custom.name == "custom")
    #expect(custom.normalization.mean == [Float](repeating: 127.0 / 255, count: 3))
    #expect(custom.normalization.standardDeviation == [0.5, 0.5, 0.25])
    #expect(custom.resize == 320 && custom.crop == .init(height: 288, width: 256))
    #expect(custom.interpolation == .bicubic)
    #expect(try Preprocessing.custom(basedOn: .tf) == .tf)
  }

  @Test(arguments: ["0.5,0.5", "a,b,c", "", "1/0", "nan", "0.5,,0.5"])
  func badConstantsAreRefused(_ text: String) {
    #expect(throws: ScopeError.self) { try Preprocessing.custom(basedOn: .imagenet, mean: text) }
  }

  @Test func badSizesAreRefused() {
    for size in ["0", "-3", "9999999", "x", "224x", ""] {
      #expect(throws: ScopeError.self) { try Preprocessing.custom(basedOn: .imagenet, crop: size) }
      #expect(throws: ScopeError.self) { try Preprocessing.custom(basedOn: .imagenet, resize: size) }
    }
    #expect(throws: ScopeError.self) { try Preprocessing.custom(basedOn: .imagenet, crop: "300") }
    #expect(throws: ScopeError.self) { try Preprocessing.custom(basedOn: .imagenet, standardDeviation: "0") }
    #expect(throws: ScopeError.self) {
      try Preprocessing.custom(basedOn: .imagenet, interpolation: "nearest")
    }
  }

  @Test func otherInputSizesKeepTheResizeRatio() {
    let adapted = Preprocessing.imagenet.adapted(to: .init(height: 299, width: 299))
    #expect(adapted.resize == 341 && adapted.crop == .init(height: 299, width: 299))
    #expect(Preprocessing.imagenet.adapted(to: nil) == .imagenet)
    #expect(Preprocessing.none.adapted(to: .init(height: 8, width: 8)) == .none)
  }

  @Test func descriptionNamesEveryStep() {
    #expect(
      Preprocessing.tf.describe
        == "tf: shorter side resized to 256 (bicubic, antialiased), centre crop 224 x 224, mean 0.498, "
        + "standard deviation 0.502")
    #expect(Preprocessing.none.describe == "none: pixels in [0, 1], not normalised")
  }
}
