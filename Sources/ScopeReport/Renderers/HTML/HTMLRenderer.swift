/// `report.html`: one self-contained file. Nothing is loaded from anywhere, every text is escaped, and only the script of
/// ``HTMLScript`` may run; the page is complete without it.
public enum HTMLRenderer {
  /// - Parameter baseline: an earlier report; what changed since then is the headline.
  public static func render(_ report: Report, baseline: Report? = nil) -> String {
    let document = Document(report, baseline: baseline)
    var html = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta name="referrer" content="no-referrer">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src '\(HTMLScript.hash)'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
      <title>\(Escape.html(document.title)) – Neural-Scope report</title>
      <style>
      \(HTMLStyle.css)
      \(HTMLAnalysisStyle.css)
      \(HTMLVerdictStyle.css)
      </style>
      </head>
      <body>
      <a class="skip" href="#analysis">Skip to the results</a>

      """
    html += header(document, hasBaseline: baseline != nil)
    html += navigation(document)
    html += "<main class=\"wrap\">\n"
    for section in document.sections { html += HTMLBlocks.section(section, decision: document.decision) }
    html += "</main>\n"
    let tool = report.conditions.tool
    html += """
      <footer class="wrap">Made by \(Escape.html(tool.name)) \(Escape.html(tool.version)) on \
      \(Escape.html(report.conditions.date)). Figures without a measurement are not shown; section 8 lists them. The element report-json of this page holds the report as JSON.</footer>
      \(EmbeddedReport.element(report))
      <script>\(HTMLScript.source)</script>
      </body>
      </html>

      """
    return html
  }

  private static func header(_ document: Document, hasBaseline: Bool) -> String {
    let meta = document.subtitle.map { "<span>\(Escape.html($0))</span>" }.joined()
    return """
      <header class="wrap">
      <p class="brand"><b>Neural-Scope</b><span>Model report</span></p>
      <h1>\(Escape.html(document.title))</h1>
      <p class="meta">\(meta)</p>
      \(HTMLVerdict.render(document, hasBaseline: hasBaseline))
      </header>

      """
  }

  private static func navigation(_ document: Document) -> String {
    let links = document.sections.map { section in
      "<li><a href=\"#\(section.id.rawValue)\">\(Escape.html(short(section.id)))</a></li>"
    }
    return "<nav aria-label=\"Sections\"><ul>\(links.joined())</ul></nav>\n"
  }

  private static func short(_ section: Report.Section) -> String {
    switch section {
    case .meaning: "What it means"
    default: Format.sentence(section.rawValue)
    }
  }
}
