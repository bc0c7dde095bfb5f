/// The top of the page: what changed, the verdict, five gauges that open to their evidence, what to do, what passed.
enum HTMLVerdict {
  static func render(_ document: Document, hasBaseline: Bool) -> String {
    let lead = Escape.html(document.lead.joined(separator: " "))
    let changes = document.delta.map { delta($0, isHeadline: hasBaseline) } ?? ""
    return """
      <div class="verdict \(HTMLBlocks.tone(document.decision))">
      \(hasBaseline ? changes : "")<div class="say"><h2>\(Escape.html(document.headline))</h2><p>\(lead)</p></div>
      \(hasBaseline ? "" : changes)<ul class="gauges">
      \(document.gauges.map(gauge).joined(separator: "\n"))
      </ul>
      </div>
      \(actions(document.actions))\(passed(document.gauges))
      """
  }

  private static func delta(_ delta: Document.Delta, isHeadline: Bool) -> String {
    let rows = delta.rows.map { row in
      """
      <div class="\(row.tone.rawValue)"><dt>\(Escape.html(row.name))</dt><dd><span class="b">\(Escape.html(row.before)) → \
      </span><b>\(Escape.html(row.after))</b><span class="c">\(Escape.html(row.change))</span></dd></div>
      """
    }
    let notes = delta.notes.map { "<p class=\"note\">\(Escape.html($0))</p>" }.joined()
    let headline =
      isHeadline
      ? "<h2>\(Escape.html(delta.headline))</h2><p class=\"since\">\(Escape.html(delta.title))</p>"
      : "<h3>\(Escape.html(delta.title))</h3>"
    return """
      <div class="delta\(isHeadline ? " first" : "")" id="changes">\(headline)<dl>\(rows.joined(separator: "\n"))</dl>\(notes)</div>

      """
  }

  private static func gauge(_ gauge: Document.Gauge) -> String {
    """
    <li class="\(gauge.tone.rawValue)"><details name="gauge" id="gauge-\(gauge.id)"><summary>\(HTMLCharts.ring(gauge))\
    <span class="t">\(Escape.html(gauge.title))</span><span class="v">\(Escape.html(gauge.value))</span>\
    <span class="d">\(Escape.html(gauge.detail))</span></summary>
    <div class="panel"><p>\(Escape.html(gauge.formula))</p>
    \(HTMLBlocks.table(gauge.table))<p><a href="#\(gauge.target.rawValue)">All figures of this part</a></p></div></details></li>
    """
  }

  private static func actions(_ actions: [Document.Action]) -> String {
    guard !actions.isEmpty else { return "" }
    let items = actions.map { action in
      """
      <li><a href="#recommendation-\(action.number)"><b>\(Escape.html(action.title))</b>\
      <span>\(Escape.html(action.gain))</span></a></li>
      """
    }
    return """
      <div class="todo"><h2>What to do, largest gain first</h2>
      <ol>\(items.joined(separator: "\n"))</ol></div>

      """
  }

  private static func passed(_ gauges: [Document.Gauge]) -> String {
    let rows = gauges.flatMap { gauge in
      gauge.evidence.filter { $0.passed == true }.map { [gauge.title, $0.name, $0.value, $0.threshold] }
    }
    guard !rows.isEmpty else { return "" }
    let table = Document.Table(
      caption: "Checks that passed",
      columns: ["Part", "Check", "Value", "Threshold"].map { .init(title: $0, isNumber: false) }, rows: rows,
      emphasized: nil, summaryRows: nil)
    return """
      <details class="passed" id="passed"><summary>\(Format.plural(rows.count, "check")) passed</summary>
      \(HTMLBlocks.table(table))</details>
      """
  }
}

extension Document.Gauge {
  /// The evidence as a table.
  var table: Document.Table {
    Document.Table(
      caption: "What the gauge “\(title)” rests on",
      columns: ["Figure", "Value", "Threshold", "Met", "Source"].map { .init(title: $0, isNumber: false) },
      rows: evidence.map { item in
        [
          item.name, item.value, item.threshold.isEmpty ? "–" : item.threshold,
          item.passed.map { $0 ? "yes" : "no" } ?? "–", item.source,
        ]
      }, emphasized: nil, summaryRows: nil)
  }
}
