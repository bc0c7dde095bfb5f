/// Numbers as text.
enum Format {
  /// `1,814,073,344`.
  static func grouped(_ value: Int) -> String {
    let digits = String(value.magnitude)
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return value < 0 ? "-\(text)" : text
  }

  /// With `digits` decimals, rounded half away from zero: `24.5`.
  static func decimal(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, abs(value) < 0x1p52 else { return "\(value)" }
    var scale = 1
    for _ in 0..<digits { scale *= 10 }
    let scaled = (abs(value) * Double(scale)).rounded()
    guard scaled < 0x1p62 else { return "\(value)" }
    let number = Int(scaled)
    var text = grouped(number / scale)
    if digits > 0 {
      let fraction = String(number % scale)
      text += "." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
    return value < 0 && number > 0 ? "-\(text)" : text
  }

  /// Three significant digits or so: `1.81`, `24.5`, `310`.
  static func short(_ value: Double) -> String {
    decimal(value, abs(value) < 10 ? 2 : abs(value) < 100 ? 1 : 0)
  }

  /// `44.6 MiB`.
  static func bytes(_ count: Int) -> String {
    let value = Double(count)
    if count < 1 << 10 { return "\(count) bytes" }
    if count < 1 << 20 { return short(value / 0x1p10) + " KiB" }
    if count < 1 << 30 { return short(value / 0x1p20) + " MiB" }
    return short(value / 0x1p30) + " GiB"
  }

  /// `1.81 billion`, `40.6 million`.
  static func count(_ count: Int) -> String {
    let value = Double(count)
    if value < 1e4 { return grouped(count) }
    if value < 1e6 { return short(value / 1e3) + " thousand" }
    if value < 1e9 { return short(value / 1e6) + " million" }
    return short(value / 1e9) + " billion"
  }

  /// `18%`, `0.4%`.
  static func percent(_ fraction: Double) -> String {
    decimal(fraction * 100, abs(fraction) < 0.0995 ? 1 : 0) + "%"
  }
}
