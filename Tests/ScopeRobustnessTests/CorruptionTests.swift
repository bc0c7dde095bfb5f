import ScopeBytes
import ScopeRobustness
import ScopeStatistics
import TestSupport
import Testing

/// Against the package imagecorruptions; see make_corruptions.py.
struct CorruptionTests {
  private static let side = 80

  private func picture(_ name: String = "picture") throws -> Picture {
    let bytes = try ByteSlice(mappingFile: Fixture.path("corruptions/\(name).bin")).array
    try #require(bytes.count == 3 * Self.side * Self.side)
    return Picture(
      values: bytes.map { Float($0) / 255 }, channels: 3, height: Self.side, width: Self.side)
  }

  private func difference(_ a: Picture, _ b: Picture) -> (mean: Float, largest: Float) {
    let changes = zip(a.values, b.values).map { ($0 - $1).magnitude }
    return (changes.reduce(0, +) / Float(changes.count), changes.max() ?? 0)
  }

  /// Rounding to 8 bits is half a level; scaled pictures of the zoom are cut elsewhere by the package.
  @Test(arguments: [
    (Corruption.gaussianBlur, Float(0.003), Float(0.006)), (.defocusBlur, 0.003, 0.006),
    (.brightness, 0.003, 0.006),
    (.contrast, 0.003, 0.006), (.saturate, 0.003, 0.02), (.pixelate, 0.003, 0.006), (.jpeg, 0.004, 0.03),
    (.zoomBlur, 0.02, 0.2),
  ])
  func equalsThePackage(_ corruption: Corruption, mean: Float, largest: Float) throws {
    var generator = SplitMix64(seed: 0)
    let found = try corruption.apply(try picture(), severity: 3, &generator)
    let apart = difference(found, try picture(corruption.rawValue))
    #expect(apart.mean <= mean && apart.largest <= largest, "\(corruption.rawValue): \(apart)")
  }

  @Test func motionEqualsThePackage() throws {
    let found = Blur.motion(try picture(), radius: 15, sigma: 8, degrees: 30)
    let apart = difference(found, try picture("motion-30"))
    #expect(apart.mean <= 0.003 && apart.largest <= 0.01, "\(apart)")
  }

  /// Mean and deviation of the change over 24 runs.
  @Test func randomOnesAreDistributedAlike() throws {
    let image = try picture()
    let text = try #require(try ByteSlice(mappingFile: Fixture.path("corruptions/random.txt")).utf8String)
    let lines = text.split(separator: "\n")
    try #require(lines.count >= 20)
    for line in lines {
      let words = line.split(separator: " ").map(String.init)
      let corruption = try #require(Corruption(rawValue: words[0]))
      let severity = try #require(Int(words[1]))
      let (mean, deviation) = (try #require(Double(words[2])), try #require(Double(words[3])))
      var (sum, squares, count) = (0.0, 0.0, 0.0)
      for run in 0..<24 {
        var generator = SplitMix64(seed: 7, stream: UInt64(run))
        let found = try corruption.apply(image, severity: severity, &generator)
        for (after, before) in zip(found.values, image.values) {
          let change = Double(after - before)
          sum += change
          squares += change * change
          count += 1
        }
      }
      let ownMean = sum / count
      let ownDeviation = (squares / count - ownMean * ownMean).squareRoot()
      #expect(abs(ownMean - mean) < 0.03, "\(line): mean \(ownMean)")
      #expect(abs(ownDeviation - deviation) < 0.12 * deviation + 0.005, "\(line): deviation \(ownDeviation)")
    }
  }

  @Test(arguments: Corruption.allCases) func staysInRangeAndRepeats(_ corruption: Corruption) throws {
    for (height, width, channels) in [(80, 72, 3), (32, 32, 3), (9, 17, 1)] {
      var numbers = SplitMix64(seed: 5)
      let image = Picture(
        values: (0..<channels * height * width).map { _ in numbers.unit() }, channels: channels,
        height: height, width: width)
      for severity in Corruption.severities {
        var (one, two) = (SplitMix64(seed: 1), SplitMix64(seed: 1))
        let found = try corruption.apply(image, severity: severity, &one)
        #expect(found.values.count == image.values.count)
        #expect(found.values.allSatisfy { $0 >= 0 && $0 <= 1 })
        #expect(try corruption.apply(image, severity: severity, &two) == found)
      }
    }
  }

  @Test func listsAreRead() throws {
    #expect(try Corruption.list("all").count == 15)
    #expect(try Corruption.list("extra").count == 18)
    #expect(
      try Corruption.list("blur, fog") == [
        .defocusBlur, .glassBlur, .motionBlur, .zoomBlur, .fog, .gaussianBlur,
      ])
    let error = #expect(throws: ScopeError.self) { try Corruption.list("fog,rain") }
    #expect(error?.code == .invalidArgument && error?.description.contains("rain") == true)
  }

  @Test func smallChangesMoveWhatTheySay() throws {
    var generator = SplitMix64(seed: 0)
    let image = try picture()
    let moved = try ImageChange.shift(right: 3, down: -2).apply(image, &generator)
    let plane = Self.side * Self.side
    #expect(moved.values[plane + 10 * Self.side + 20] == image.values[plane + 12 * Self.side + 17])
    let mirrored = try ImageChange.flip.apply(image, &generator)
    #expect(try ImageChange.flip.apply(mirrored, &generator) == image)
    let turned = try ImageChange.rotation(3).apply(image, &generator)
    let back = try ImageChange.rotation(-3).apply(turned, &generator)
    #expect(difference(back, image).mean < 0.03)
  }
}
