import Foundation
import ScopeReport
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// The forms beside the page: CSV, badge, model card.
@Suite struct OutputFormsTests {
  /// RFC 4180 cells of every line.
  static func cells(_ csv: String) -> [[String]] {
    var rows: [[String]] = [[""]]
    var quoted = false
    for scalar in csv.unicodeScalars {
      switch scalar {
      case "\"":
        quoted.toggle()
        rows[rows.count - 1][rows[rows.count - 1].count - 1].unicodeScalars.append(scalar)
      case "," where !quoted: rows[rows.count - 1].append("")
      case "\r" where !quoted: break
      case "\n" where !quoted: rows.append([""])
      default: rows[rows.count - 1][rows[rows.count - 1].count - 1].unicodeScalars.append(scalar)
      }
    }
    return rows.dropLast().map { row in
      row.map { cell in
        guard cell.hasPrefix("\""), cell.hasSuffix("\""), cell.count >= 2 else { return cell }
        return cell.dropFirst().dropLast().replacingOccurrences(of: "\"\"", with: "\"")
      }
    }
  }

  /// Every object of the JSON that is a figure, by an independent walk.
  static func figures(_ value: Any) -> Int {
    if let object = value as? [String: Any] {
      let isFigure = object["unit"] is String && object["value"] != nil
      return (isFigure ? 1 : 0) + object.values.map(figures).reduce(0, +)
    }
    return (value as? [Any] ?? []).map(figures).reduce(0, +)
  }

  @Test(arguments: HTMLRendererTests.samples)
  func csvHasEveryFigure(report: Report) throws {
    let rows = Self.cells(CSVRenderer.render(report))
    #expect(Set(rows.map(\.count)) == [15])
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let json = try JSONSerialization.jsonObject(with: encoder.encode(report))
    #expect(rows.count == Self.figures(json) + 2, "a head, the file's size, and every figure of the JSON")
    #expect(Set(rows.map { $0[1] }).count == rows.count, "each path once")
    for cell in rows.dropFirst().flatMap({ $0.prefix(3) + $0[11...12] }) {
      #expect(!(cell.first.map { "=+-@".contains($0) } ?? false), "no formula: \(cell.prefix(40))")
    }
  }

  @Test func csvHoldsTheNumbers() throws {
    let report = SampleReports.imageClassifier()
    let rows = Self.cells(CSVRenderer.render(report))
    let row = try #require(rows.first { $0[1] == "analysis.latency.p50Milliseconds" })
    #expect(Double(row[3]) == report.analysis?.latency?.p50Milliseconds.value)
    #expect(row[4] == "milliseconds")
    #expect(Double(row[5]) == report.analysis?.latency?.p50Milliseconds.interval?.low)
  }

  @Test(arguments: HTMLRendererTests.samples)
  func badgeIsWellFormed(report: Report) throws {
    let svg = BadgeRenderer.render(report)
    let parser = XMLParser(data: Data(svg.utf8))
    #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "")")
    #expect(svg.contains("role=\"img\"") && svg.contains("<title id=\"ns-title\">"))
    for part in ["<script", "href", "url(", "@import", "onload='"] { #expect(!svg.contains(part)) }
    #expect(svg.components(separatedBy: "http://").count == 2, "the namespace and nothing else")
  }

  @Test func badgesDiffer() {
    let badges = [
      SampleReports.imageClassifier(), SampleReports.smallNetwork(), SampleReports.structureOnly(),
    ].map(BadgeRenderer.render)
    #expect(Set(badges).count == 3)
  }

  @Test func modelCardInventsNothing() {
    let card = ModelCardRenderer.render(SampleReports.structureOnly())
    #expect(!card.contains("model-index"), "nothing was evaluated")
    #expect(card.contains("# license: \(ModelCardRenderer.toBeFilledIn)"))
    for name in ["Developed by", "Direct use", "Training data"] {
      #expect(card.contains("**\(name)**: *\(ModelCardRenderer.toBeFilledIn)*"), "\(name)")
    }
  }

  /// Runs the checker with the first Python that has huggingface_hub; nil when none has.
  static func check(_ card: URL) throws -> (code: Int32, text: String)? {
    let named = ProcessInfo.processInfo.environment["NEURAL_SCOPE_PYTHON"]
    let script = BrowserTests.repository.appending(path: "Tests/Fixtures/check_model_card.py").path()
    for python in [named, BrowserTests.find(["python3"])].compactMap({ $0 }) {
      let process = Process()
      process.executableURL = URL(filePath: python)
      process.arguments = [script, card.path()]
      let output = Pipe()
      process.standardOutput = output
      process.standardError = output
      try process.run()
      let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      if process.terminationStatus != 77 { return (process.terminationStatus, text) }
    }
    return nil
  }

  static let hasParser =
    (try? check(URL(filePath: "/dev/null"))).flatMap { $0 } != nil

  @Test(
    .enabled(if: hasParser, "No Python with huggingface_hub (NEURAL_SCOPE_PYTHON may name one)"),
    arguments: [SampleReports.imageClassifier(), SampleReports.smallNetwork(), SampleReports.hostile()])
  func modelCardIsReadByItsParser(report: Report) throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "card-\(UUID()).md")
    defer { try? FileManager.default.removeItem(at: file) }
    try ModelCardRenderer.render(report).write(to: file, atomically: true, encoding: .utf8)
    let result = try #require(try Self.check(file))
    #expect(result.code == 0, "\(result.text)")
    #expect(result.text.contains("image-classification accuracy"), "\(result.text)")
  }
}
