import ArgumentParser
import NeuralScope
import ScopeBytes
import ScopeReport

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "All of it: one measured report as HTML, Markdown and JSON.",
    discussion: """
      Examples:
        neural-scope report model.onnx --data images
        neural-scope report model.onnx --data images --baseline last/report.json
        neural-scope report model.onnx --model-card README.md --csv measurements.csv --badge badge.svg
      """)

  @Argument(help: "An ONNX model, a PyTorch checkpoint or safetensors.")
  var model: String

  @Option(
    help: ArgumentHelp(
      "Labelled images; without them accuracy, optimization and robustness are not measured.",
      valueName: "dir"))
  var data: String?

  @Option(
    help: ArgumentHelp(
      "Folder for report.html, report.md, report.json, measurements.csv, badge.svg and optimized.onnx.",
      valueName: "dir"))
  var out = "neural-scope-report"

  @OptionGroup var forms: ReportForms

  @OptionGroup var search: SearchOptions
  @OptionGroup var attack: AttackFlags
  @OptionGroup var engine: EngineOptions
  @OptionGroup var images: ImageOptions

  func run() throws {
    let line = ProgressLine()
    let baseline = try forms.readBaseline()
    var options = ScopeOptions(engine, data: data, images: images, attack: attack)
    try options.search(as: search)
    options.optimizedPath = "\(out)/optimized.onnx"
    options.details = [.memory, .roofline, .throughput]
    options.progress = line.handler
    try NeuralScope.prepare("\(out)/report.html", like: model)
    let report = try NeuralScope.report(model: model, options: options)
    line.clear()
    try forms.write(report, baseline: baseline, to: out)
    Terminal.write(
      TerminalRenderer.summary(
        report, options: .init(width: Terminal.width, colours: Terminal.colours), baseline: baseline))
    Terminal.write(
      "\nReport: \(out)/report.html (also report.md, report.json, measurements.csv, badge.svg)\n")
    // The contract of every command that scans; the files are written whatever it is.
    switch report.security?.verdict {
    case .unsafe: throw ExitCode(Exit.unsafe)
    case .incomplete: throw ExitCode(Exit.incomplete)
    case .safe, nil: break
    }
  }
}
