import FoundationEssentials

/// The report's own JSON inside the page, so that a program that has only the page can read every figure.
///
/// Pictures are left out; where the rest would make the page large, the longest lists go too, and an attribute names them.
enum EmbeddedReport {
  /// Bytes that the page has room for.
  static let room = 150_000

  static func element(_ report: Report) -> String {
    var report = report.narrated()
    var left: [String] = []
    if report.robustness?.samples.isEmpty == false {
      report.robustness?.samples = []
      left.append("robustness.samples")
    }
    let steps: [(String, (inout Report) -> Void)] = [
      ("analysis.tensors", { $0.analysis?.tensors = [] }), ("analysis.layers", { $0.analysis?.layers = [] }),
      ("analysis.memory", { $0.analysis?.memory = nil }),
      ("analysis.profile", { $0.analysis?.profile = nil }),
      ("analysis.moduleSizes", { $0.analysis?.moduleSizes = [] }), ("analysis", { $0.analysis = nil }),
      ("optimization", { $0.optimization = nil }), ("robustness", { $0.robustness = nil }),
    ]
    var json = encoded(report)
    for (name, remove) in steps {
      guard json.utf8.count > room else { break }
      remove(&report)
      left.append(name)
      json = encoded(report)
    }
    guard json.utf8.count <= room else { return "" }
    return
      "<script type=\"application/json\" id=\"report-json\" data-left-out=\"\(left.joined(separator: " "))\">\(json)</script>"
  }

  /// Compact JSON in which nothing can be read as markup, as an address to load or as layout.
  static func encoded(_ report: Report) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    guard let data = try? encoder.encode(report) else { return "" }
    var result = ""
    for scalar in String(decoding: data, as: UTF8.self).unicodeScalars {
      let isMarkup = ["<", ">", "&", "'"].contains(scalar)
      guard isMarkup || Escape.isControl(scalar) else {
        result.unicodeScalars.append(scalar)
        continue
      }
      for unit in String(scalar).utf16 {
        let digits = String(unit, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
    return Escape.replacing(result, "http://", "http:\\/\\/")
  }
}
