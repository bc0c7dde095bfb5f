#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Two classifiers compared image by image.
public struct PairedComparison: Sendable, Hashable, Codable {
  public var images: Int
  public var originalCorrect: Int
  public var candidateCorrect: Int
  /// Right before, wrong after.
  public var lost: Int
  /// Wrong before, right after.
  public var gained: Int
  /// Same prediction, right or wrong.
  public var agreeing: Int

  public init(original: [Int], candidate: [Int], labels: [Int]) {
    images = labels.count
    (originalCorrect, candidateCorrect, lost, gained, agreeing) = (0, 0, 0, 0, 0)
    for image in labels.indices {
      let before = original[image] == labels[image]
      let after = candidate[image] == labels[image]
      if before { originalCorrect += 1 }
      if after { candidateCorrect += 1 }
      if before, !after { lost += 1 }
      if !before, after { gained += 1 }
      if original[image] == candidate[image] { agreeing += 1 }
    }
  }

  /// Several comparisons as one.
  public init(sum parts: [PairedComparison]) {
    (images, originalCorrect, candidateCorrect, lost, gained, agreeing) = (0, 0, 0, 0, 0, 0)
    for part in parts {
      images += part.images
      originalCorrect += part.originalCorrect
      candidateCorrect += part.candidateCorrect
      lost += part.lost
      gained += part.gained
      agreeing += part.agreeing
    }
  }

  /// Accuracy lost, as a fraction; negative when the candidate is better.
  public var accuracyDrop: Double { Double(lost - gained) / Double(images) }

  /// 95% interval of the drop for paired data: Wald with half an image added to each of the four cells, which stays
  /// honest for few images and few changes (Agresti and Min, Statistics in Medicine 24, 2005).
  public var dropInterval: ClosedRange<Double> {
    let n = Double(images) + 2
    let changed = Double(lost + gained) + 1
    let difference = Double(lost - gained)
    let error = 1.959963984540054 * max(0, changed - difference * difference / n).squareRoot() / n
    return difference / n - error...difference / n + error
  }

  public var agreement: Proportion { Proportion(successes: agreeing, trials: images) }

  /// Two-sided exact McNemar test of "neither is more accurate": the chance of a split of the changed images at least as
  /// uneven, were each as likely lost as gained (McNemar, Psychometrika 12, 1947).
  public var pValue: Double {
    let changed = lost + gained
    guard changed > 0 else { return 1 }
    let smaller = min(lost, gained)
    // Sum of binomial terms, from logarithms so that thousands of changes do not underflow.
    var logTerm = -Double(changed) * 0.693_147_180_559_945_3
    var logSum = logTerm
    for count in 0..<smaller {
      logTerm += log(Double(changed - count)) - log(Double(count + 1))
      logSum = max(logSum, logTerm) + log(1 + exp(-abs(logSum - logTerm)))
    }
    return min(1, 2 * exp(logSum))
  }
}
