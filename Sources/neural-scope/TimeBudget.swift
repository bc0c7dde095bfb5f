import ArgumentParser

/// A time from 1 s to 24 h on the command line: `90`, `90s`, `5m`, `1h`.
struct TimeBudget: ExpressibleByArgument {
  let seconds: Double

  init(seconds: Double) { self.seconds = seconds }

  init?(argument: String) {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    let factor = argument.last.flatMap { units[$0] }
    let digits = factor == nil ? argument[...] : argument.dropLast()
    guard let value = Double(digits), (1...86_400).contains(value * (factor ?? 1)) else { return nil }
    seconds = value * (factor ?? 1)
  }

  var duration: Duration { .seconds(seconds) }
  var defaultValueDescription: String { "\(Int(seconds))s" }
}
