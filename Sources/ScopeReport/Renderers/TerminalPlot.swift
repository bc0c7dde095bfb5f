/// Curves of block characters.
enum TerminalPlot {
  private static let eighths = Array(" ▁▂▃▄▅▆▇█")

  /// The area under the values, largest at the top; values that share a column show their largest.
  static func area(_ values: [Double], columns: Int, rows: Int) -> [String] {
    let columns = min(max(columns, 8), max(values.count, 8))
    guard !values.isEmpty, let peak = values.max(), peak > 0, rows > 0 else { return [] }
    let heights = (0..<columns).map { column -> Int in
      let start = column * values.count / columns
      let end = max(start + 1, (column + 1) * values.count / columns)
      let value = values[min(start, values.count - 1)..<min(end, values.count)].max() ?? 0
      let share = min(max(value / peak, 0), 1)
      return share > 0 ? max(1, Int((share * Double(rows * 8)).rounded())) : 0
    }
    return (0..<rows).map { row in
      let below = (rows - 1 - row) * 8
      return TerminalText.trimmedEnd(String(heights.map { eighths[min(max($0 - below, 0), 8)] }))
    }
  }
}
