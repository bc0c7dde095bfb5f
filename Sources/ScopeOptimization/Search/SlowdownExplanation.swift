import ScopeBytes
import ScopeRuntime

/// Says from the engine's profile why a variant that should be faster is not.
enum SlowdownExplanation {
  private static let runs = 6

  /// Profiles the original and the variant and names the operators that take more time than before.
  ///
  /// - Returns: nil when the profile shows no kernels.
  static func explain(_ trial: Trial, _ bench: Workbench, original bytes: ByteSlice) throws(ScopeError)
    -> String?
  {
    let before = try profile(bytes, bench)
    let after = try profile(trial.bytes, bench)
    let totalBefore = before.values.reduce(0) { $0 + $1.milliseconds }
    let totalAfter = after.values.reduce(0) { $0 + $1.milliseconds }
    guard totalBefore > 0, totalAfter > totalBefore else { return nil }
    let changes = Set(before.keys).union(after.keys).map { name in
      (
        name: name, more: (after[name]?.milliseconds ?? 0) - (before[name]?.milliseconds ?? 0),
        kernels: after[name]?.kernels ?? 0
      )
    }.filter { $0.more > 0 }.sorted { ($0.more, $1.name) > ($1.more, $0.name) }
    let named = changes.prefix(3).map { change in
      "\(change.kernels) \(change.name) kernels take \(milliseconds(change.more)) ms more"
    }
    let conversions = [
      "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Cast", "ReorderInput", "ReorderOutput",
    ]
    .compactMap { after[$0]?.milliseconds }.reduce(0, +)
    var text =
      "\(trial.variant.name) is slower because of its kernels: \(named.joined(separator: ", ")) "
      + "(all kernels: \(milliseconds(totalBefore)) ms in the original, \(milliseconds(totalAfter)) ms here)"
    if conversions > 0.1 * totalAfter {
      text +=
        "; \(Int((100 * conversions / totalAfter).rounded()))% of its time goes into converting between types and layouts"
    }
    return text
  }

  /// Median time per run by operator type, and the number of kernels.
  private static func profile(
    _ bytes: ByteSlice, _ bench: Workbench
  ) throws(ScopeError) -> [String: (milliseconds: Double, kernels: Int)] {
    let folder = try TemporaryFolder()
    let session = try Session(
      engine: bench.request.engine, modelBytes: bytes,
      options: SessionOptions(threads: bench.request.threads, profilePrefix: "\(folder.path)/profile"))
    for _ in 0..<runs { _ = try session.run(bench.timingFeed.feed) }
    let events = try session.endProfiling().filter { !$0.isNested }
    var sums: [String: (milliseconds: Double, kernels: Int)] = [:]
    for event in events {
      sums[event.opType, default: (0, 0)].milliseconds += event.microseconds / 1000 / Double(runs)
      sums[event.opType, default: (0, 0)].kernels += 1
    }
    return sums.mapValues { ($0.milliseconds, $0.kernels / runs) }
  }

  private static func milliseconds(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  }
}
