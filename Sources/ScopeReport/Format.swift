/// Numbers as people read them. No locale: a report is the same on every machine.
package enum Format {
  /// `4652008` -> `4,652,008`.
  package static func integer(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 9e18 else { return "\(value)" }
    let digits = Array(String(Int64(value.rounded()).magnitude))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return value.rounded() < 0 ? "-" + text : text
  }

  package static func integer(_ value: Int) -> String { integer(Double(value)) }

  /// Fixed number of decimals, ties away from zero.
  package static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let scaled = Int64((abs(value) * scale).rounded())
    let sign = value < 0 && scaled != 0 ? "-" : ""
    guard decimals > 0 else { return sign + String(scaled) }
    let whole = integer(Double(scaled / Int64(scale)))
    let fraction = String(scaled % Int64(scale))
    return sign + whole + "." + String(repeating: "0", count: decimals - fraction.count) + fraction
  }

  /// Three significant digits for values that span magnitudes: `0.0123`, `1.23`, `12.3`, `123`.
  package static func significant(_ value: Double) -> String {
    let size = abs(value)
    if size == 0 { return "0" }
    if size >= 100 { return integer(value) }
    if size >= 10 { return fixed(value, 1) }
    if size >= 1 { return fixed(value, 2) }
    if size >= 0.1 { return fixed(value, 3) }
    return fixed(value, size >= 0.001 ? 4 : 6)
  }

  /// Three significant digits, with an exponent for values outside 0.001 ..< 1,000,000: `1.23e-7`.
  package static func scientific(_ value: Double) -> String {
    let size = abs(value)
    guard value.isFinite, size > 0, size < 1e-3 || size >= 1e6 else {
      return value.isFinite ? significant(value) : "\(value)"
    }
    var exponent = 0
    var mantissa = size
    while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    return (value < 0 ? "-" : "") + fixed(mantissa, 2) + "e\(exponent)"
  }

  package static func percent(_ fraction: Double, _ decimals: Int = 1) -> String {
    fixed(fraction * 100, decimals) + "%"
  }

  /// A difference of fractions in percentage points: `0.2 points`, `1.0 point`.
  package static func points(_ difference: Double) -> String {
    let size = abs(difference) * 100
    let text = size < 1 ? trimmed(fixed(size, 2)) : trimmed(fixed(size, 1))
    return text + (text == "1" ? " point" : " points")
  }

  package static func ratio(_ value: Double) -> String { fixed(value, 2) + "×" }

  /// File sizes, decimal as file managers and download pages show them.
  package static func decimalBytes(_ value: Double) -> String {
    scaled(value, 1000, ["bytes", "kB", "MB", "GB", "TB"])
  }

  /// Memory sizes, binary.
  package static func binaryBytes(_ value: Double) -> String {
    scaled(value, 1024, ["bytes", "KiB", "MiB", "GiB", "TiB"])
  }

  private static func scaled(_ value: Double, _ base: Double, _ units: [String]) -> String {
    var amount = value
    var unit = 0
    while abs(amount) >= base, unit < units.count - 1 {
      amount /= base
      unit += 1
    }
    return (unit == 0 ? integer(amount) : fixed(amount, 2)) + " " + units[unit]
  }

  package static func milliseconds(_ value: Double) -> String {
    abs(value) >= 10_000 ? fixed(value / 1000, 1) + " s" : significant(value) + " ms"
  }

  package static func seconds(_ value: Double) -> String {
    value >= 120
      ? "\(integer((value / 60).rounded(.down))) min \(integer(value.truncatingRemainder(dividingBy: 60))) s"
      : fixed(value, value < 10 ? 2 : 1) + " s"
  }

  /// `4.65 million`, `269,722`.
  package static func large(_ value: Double) -> String {
    if abs(value) >= 1e9 { return trimmed(fixed(value / 1e9, 2)) + " billion" }
    if abs(value) >= 1e6 { return trimmed(fixed(value / 1e6, 2)) + " million" }
    return integer(value)
  }

  /// `1.81 G`, `11.7 M`, `36.9 k`, `512`: SI prefixes, three significant digits.
  package static func compact(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    for (size, prefix) in [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")]
    where abs(value) >= size * 0.9995 {
      return (value < 0 ? "-" : "") + significant(max(abs(value) / size, 1)) + " " + prefix
    }
    return value == value.rounded() ? integer(value) : significant(value)
  }

  package static func compact(_ value: Int) -> String { compact(Double(value)) }

  /// `1 × 64 × 56 × 56`.
  package static func shape(_ sizes: [String]) -> String {
    sizes.isEmpty ? "scalar" : sizes.joined(separator: " × ")
  }

  /// `64×3×7×7`, `scalar`.
  package static func dimensions(_ sizes: [Int]) -> String {
    sizes.isEmpty ? "scalar" : sizes.map { String($0) }.joined(separator: "×")
  }

  /// Three significant digits of a number of any size: `-0.0312`, `1.2e-05`.
  package static func signed(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
    let size = abs(value)
    if size >= 1e-3, size < 1e6 { return significant(value) }
    var exponent = 0
    var mantissa = size
    while mantissa >= 9.995 {
      mantissa /= 10
      exponent += 1
    }
    while mantissa < 0.9995 {
      mantissa *= 10
      exponent -= 1
    }
    return (value < 0 ? "-" : "") + fixed(mantissa, 2) + "e\(exponent)"
  }

  /// `8/255` for radii up to 32 grey levels that are multiples of a quarter level, otherwise the decimal.
  package static func epsilon(_ value: Double) -> String {
    let levels = value * 255
    guard abs(levels * 4 - (levels * 4).rounded()) < 1e-6, levels <= 32, levels > 0 else {
      return significant(value)
    }
    let quarters = Int((levels * 4).rounded())
    return (quarters % 4 == 0 ? String(quarters / 4) : trimmed(fixed(levels, 2))) + "/255"
  }

  static func trimmed(_ text: String) -> String {
    var text = text
    while text.contains("."), text.hasSuffix("0") { text.removeLast() }
    return text.hasSuffix(".") ? String(text.dropLast()) : text
  }

  /// `1 image`, `20 images`.
  package static func plural(_ count: Int, _ singular: String, _ plural: String? = nil) -> String {
    "\(integer(count)) \(count == 1 ? singular : plural ?? singular + "s")"
  }

  /// `a, b and c`.
  package static func list(_ items: [String]) -> String {
    guard let last = items.last, items.count > 1 else { return items.first ?? "" }
    return items.dropLast().joined(separator: ", ") + " and " + last
  }

  /// A remark as a sentence of its own.
  static func statement(_ text: String) -> String { ended(sentence(text)) }

  /// With a full stop; the beginning, which may be a name, stays as it is.
  static func ended(_ text: String) -> String {
    text + (text.hasSuffix(".") || text.hasSuffix("!") || text.hasSuffix("?") ? "" : ".")
  }

  /// First letter in upper case.
  package static func sentence(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
}

extension Figure {
  /// The value with its unit.
  package var text: String {
    switch unit {
    case .bytes: Format.decimalBytes(value)
    case .fraction: Format.percent(value)
    case .ratio: Format.ratio(value)
    case .milliseconds: Format.milliseconds(value)
    case .seconds: Format.seconds(value)
    case .imagesPerSecond: Format.significant(value) + " images/s"
    case .gigaflopsPerSecond: Format.significant(value) + " GFLOP/s"
    case .gigabytesPerSecond: Format.significant(value) + " GB/s"
    case .currency: Format.fixed(value, 2)
    case .multiplyAccumulates, .floatingPointOperations: Format.integer(value)
    case .count: Format.integer(value)
    case .score: Format.fixed(value, value == value.rounded() ? 0 : 1)
    }
  }

  /// `85.3% to 90.9%`, or nil without an interval.
  package var intervalText: String? {
    guard let interval else { return nil }
    let low = Figure(interval.low, unit).text
    let high = Figure(interval.high, unit).text
    return "\(low) to \(high)"
  }

  /// Value, interval and samples in one line.
  package var fullText: String {
    var text = text
    if let interval, let intervalText {
      text += " (\(Format.percent(interval.level, 0)) interval \(intervalText))"
    }
    return text
  }
}
