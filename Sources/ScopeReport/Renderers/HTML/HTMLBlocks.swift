/// The blocks of a document as HTML.
enum HTMLBlocks {
  static func tone(_ decision: Report.Conclusion.Decision?) -> String {
    switch decision {
    case .ship, .shipOptimized: "good"
    case .doNotShipYet: "fair"
    case nil: "none"
    }
  }

  static func section(_ section: Document.Section, decision: Report.Conclusion.Decision?) -> String {
    let id = section.id.rawValue
    var html = "<section id=\"\(id)\" aria-labelledby=\"\(id)-title\">\n"
    html +=
      "<h2 id=\"\(id)-title\"><span class=\"n\">\(section.number)</span>\(Escape.html(section.title))</h2>\n"
    if section.id == .conclusion {
      html += "<div class=\"card end \(tone(decision))\">\(section.blocks.map(render).joined())</div>\n"
    } else {
      // Charts that follow each other share a line where there is room.
      var index = 0
      while index < section.blocks.count {
        var charts: [String] = []
        while index < section.blocks.count, case .chart(let chart) = section.blocks[index] {
          charts.append(HTMLCharts.render(chart))
          index += 1
        }
        if !charts.isEmpty {
          html += "<div class=\"charts\">\(charts.joined())</div>\n"
        } else {
          html += render(section.blocks[index])
          index += 1
        }
      }
    }
    return html + "</section>\n"
  }

  private static func render(_ block: Document.Block) -> String {
    switch block {
    case .rows(let rows): metrics(rows)
    case .table(let table):
      table.isSupplement
        ? "<details><summary>The same as a table</summary>\(render(table))</details>\n" : render(table)
    case .heading(let title): "<h3>\(Escape.html(title))</h3>\n"
    case .paragraph(let text): "<p>\(Escape.html(text))</p>\n"
    case .lead(let text): "<p class=\"lead\">\(Escape.html(text))</p>\n"
    case .details(let title, let blocks):
      "<details><summary>\(Escape.html(title))</summary>\(blocks.map(render).joined())</details>\n"
    case .list(let title, let items):
      "<h4>\(Escape.html(title))</h4><ul class=\"plain\">"
        + items.map { "<li>\(Escape.html($0))</li>" }.joined() + "</ul>\n"
    case .layers(let list): LayerTable.render(list)
    case .assessments(let items):
      "<div class=\"notes\">"
        + items.map {
          "<div class=\"card\"><h3>\(Escape.html($0.title))</h3><p>\(Escape.html($0.text))</p></div>"
        }.joined()
        + "</div>\n"
    case .findings(let findings): render(findings)
    case .recommendations(let items):
      "<ol class=\"recs\">\(items.enumerated().map(recommendation).joined())</ol>\n"
    case .samples(let samples): "<ul class=\"strip\">\(samples.map(sample).joined())</ul>\n"
    case .notMeasured(let items): render(absent(items))
    case .chart(let chart): HTMLCharts.render(chart)
    }
  }

  private static func metrics(_ rows: [Document.Row]) -> String {
    let plain = rows.allSatisfy { $0.interpretation.isEmpty }
    let items = rows.map { row in
      let detail = row.detail.isEmpty ? "" : "<span class=\"d\">\(Escape.html(row.detail))</span>"
      let note = plain ? "" : "<dd class=\"i\">\(Escape.html(row.interpretation))</dd>"
      return
        "<div><dt>\(Escape.html(row.name))</dt><dd class=\"v\(row.value == Document.absentValue ? " na" : row.value.count > 90 ? " many" : "")\">\(Escape.html(row.value))\(detail)</dd>\(note)</div>"
    }
    return "<dl class=\"card metrics\(plain ? " plain" : "")\">\n\(items.joined(separator: "\n"))\n</dl>\n"
  }

  private static func render(_ table: Document.Table) -> String { self.table(table) }

  /// - Parameters:
  ///   - id: of the table, for the script.
  ///   - region: name of the scrolled region; the caption when nil.
  static func table(_ table: Document.Table, id: String? = nil, region: String? = nil) -> String {
    let longest = table.columns.indices.map { column in table.rows.map { $0[column].count }.max() ?? 0 }
    let head = table.columns.map { column in
      "<th scope=\"col\"\(column.isNumber ? " class=\"r\"" : "")>\(Escape.html(column.title))</th>"
    }
    let rows = table.rows.enumerated().map { index, cells in
      let inner = cells.enumerated().map { column, cell in
        if column == 0 { return "<th scope=\"row\">\(Escape.html(cell))</th>" }
        let kind =
          table.columns[column].isNumber ? " class=\"r\"" : longest[column] > 32 ? " class=\"long\"" : ""
        return "<td\(kind)>\(Escape.html(cell))</td>"
      }
      return "<tr\(index == table.emphasized ? " class=\"chosen\"" : "")>\(inner.joined())</tr>"
    }
    let caption = Escape.html(table.caption)
    return """
      <div class="\(id == nil ? "card " : "")scroll" role="region" aria-label="\(region.map(Escape.html) ?? caption)" tabindex="0">\
      <table\(id.map { " id=\"\($0)\"" } ?? "")\(table.columns.count > 4 ? " class=\"wide\"" : "")><caption>\(caption)</caption>
      <thead><tr>\(head.joined())</tr></thead>
      <tbody>\(rows.joined(separator: "\n"))</tbody></table></div>

      """
  }

  private static func absent(_ items: [Report.NotMeasured]) -> Document.Table {
    Document.Table(
      caption: "Values that were not measured, and what measures them",
      columns: ["Value", "Why", "How to measure it"].map { .init(title: $0, isNumber: false) },
      rows: items.map { [$0.path, $0.reason, $0.remedy] }, emphasized: nil, summaryRows: nil)
  }

  private static func render(_ findings: [Report.Finding]) -> String {
    var html = ""
    for (index, finding) in findings.enumerated() {
      let tone = finding.severity >= .high ? "bad" : finding.severity == .medium ? "fair" : "none"
      let facts = finding.lines.map { "<dt>\(Escape.html($0.name))</dt><dd>\(Escape.html($0.text))</dd>" }
      html += """
        <article class="card finding" id="finding-\(index + 1)"><h3><span class="pill \(tone)">\
        \(Format.sentence(finding.severity.rawValue))</span>\(Escape.html(finding.title))\
        <span class="id">\(Escape.html(finding.rule))</span>\
        <a class="anchor" href="#finding-\(index + 1)" aria-label="Link to finding \(index + 1)">#</a></h3><dl class="facts">\(facts.joined())</dl></article>

        """
    }
    return html
  }

  private static func recommendation(_ index: Int, _ item: Report.Recommendation) -> String {
    """
    <li class="card rec" id="recommendation-\(index + 1)"><h3>\(Escape.html(item.title))</h3><p>\(Escape.html(item.text))</p>\
    <p class="why">Because: \(Escape.html(item.motivation)).</p><pre><code>\(Escape.html(item.command))</code></pre></li>

    """
  }

  private static func sample(_ sample: Report.Sample) -> String {
    func half(_ image: String, _ which: String, _ prediction: String, _ confidence: Double?) -> String {
      let right = prediction == sample.label
      let sure = confidence.map { ", \(Format.percent($0, 0)) sure" } ?? ""
      return """
        <div class="\(right ? "ok" : "no")"><img alt="\(Escape.html("\(which) image of \(sample.label)"))" \
        src="data:image/png;base64,\(base64(image))"\(isTiny(image) ? " class=\"tiny\"" : "")>\
        <span><span class="w">\(which)</span><b>\(Escape.html(prediction))</b>\(right ? "correct" : "wrong")\(sure)</span></div>
        """
    }
    return """
      <li class="card"><div class="pair">\
      \(half(sample.cleanImage, "Clean", sample.cleanPrediction, sample.cleanConfidence))\
      \(half(sample.perturbedImage, "Perturbed", sample.perturbedPrediction, sample.perturbedConfidence))</div>\
      <p class="cap">\(Escape.html("\(sample.label): \(sample.attack) at \(sample.epsilonText)"))</p></li>

      """
  }

  /// Only the base64 alphabet survives, whatever the report says the image is.
  private static func base64(_ text: String) -> String {
    String(
      decoding: text.utf8.filter { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || byte == 0x2B || byte == 0x2F || byte == 0x3D
      }, as: UTF8.self)
  }

  /// CIFAR-sized images are shown with their pixels.
  private static func isTiny(_ base64: String) -> Bool { base64.utf8.count < 6000 }
}
