import ScopeBytes

/// A `labels.csv`: a header `file,label`, then one image per row; fields may be quoted as in RFC 4180.
struct LabelsFile {
  struct Row {
    let file: String
    /// As written: a class index or a class name.
    let label: String
    /// Line in the file, from 1.
    let line: Int
  }

  let rows: [Row]

  /// Other header words in use for the same two columns.
  private static let fileColumns = ["file", "filename", "file_name", "image", "path", "name"]
  private static let labelColumns = ["label", "class", "target", "y"]

  /// - Throws: `malformed` naming the line, `invalidData` without a usable header.
  init(_ bytes: ByteSlice) throws(ScopeError) {
    guard bytes.count <= 1 << 28 else {
      throw ScopeError(.limitExceeded, "the label file is too large", expected: "at most 256 MiB")
    }
    guard let text = bytes.utf8String else {
      throw ScopeError(.malformed, "the label file is not UTF-8 text", remedy: "Save it as UTF-8")
    }
    var records = try CSVReader.records(Array(text.utf8))
    guard !records.isEmpty else {
      throw ScopeError(.invalidData, "the label file is empty", expected: "a header \"file,label\"")
    }
    let header = records.removeFirst().fields.map { $0.lowercased() }
    guard let file = header.firstIndex(where: { LabelsFile.fileColumns.contains($0) }),
      let label = header.firstIndex(where: { LabelsFile.labelColumns.contains($0) })
    else {
      throw ScopeError(
        .invalidData, "the label file has no usable header", place: "line 1", expected: "file,label",
        found: String(header.joined(separator: ",").prefix(80)), remedy: "Make \"file,label\" its first line")
    }
    var rows: [Row] = []
    rows.reserveCapacity(records.count)
    for record in records {
      guard record.fields.count == header.count else {
        throw ScopeError(
          .malformed, "a row has the wrong number of fields", place: "line \(record.line)",
          expected: "\(header.count)", found: "\(record.fields.count)")
      }
      guard !record.fields[file].isEmpty, !record.fields[label].isEmpty else {
        throw ScopeError(
          .invalidData, "a row has no \(record.fields[file].isEmpty ? "file" : "label")",
          place: "line \(record.line)")
      }
      rows.append(Row(file: record.fields[file], label: record.fields[label], line: record.line))
    }
    self.rows = rows
  }
}

/// Comma-separated values with RFC 4180 quoting.
enum CSVReader {
  struct Record {
    var fields: [String]
    var line: Int
  }

  /// All non-empty records; unquoted fields lose surrounding blanks.
  ///
  /// - Throws: `malformed` for a quote that is never closed or text after a closing quote.
  static func records(_ bytes: [UInt8]) throws(ScopeError) -> [Record] {
    let comma = UInt8(ascii: ",")
    let quote = UInt8(ascii: "\"")
    let newline = UInt8(ascii: "\n")
    var records: [Record] = []
    var record = Record(fields: [], line: 1)
    var line = 1
    var position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    while position <= bytes.count {
      var field: [UInt8] = []
      if position < bytes.count, bytes[position] == quote {
        let opened = line
        position += 1
        while true {
          guard position < bytes.count else {
            throw ScopeError(.malformed, "a quoted field has no end", place: "line \(opened)")
          }
          if bytes[position] == quote {
            position += 1
            guard position < bytes.count, bytes[position] == quote else { break }
          }
          if bytes[position] == newline { line += 1 }
          field.append(bytes[position])
          position += 1
        }
        while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x0D { position += 1 }
        guard position == bytes.count || bytes[position] == comma || bytes[position] == newline else {
          throw ScopeError(.malformed, "text follows a quoted field", place: "line \(line)")
        }
        record.fields.append(String(decoding: field, as: UTF8.self))
      } else {
        let start = position
        while position < bytes.count, bytes[position] != comma, bytes[position] != newline { position += 1 }
        record.fields.append(String(decoding: bytes[start..<position], as: UTF8.self).trimmed)
      }
      if position < bytes.count, bytes[position] == comma {
        position += 1
        continue
      }
      if record.fields != [""] { records.append(record) }
      position += 1
      line += 1
      record = Record(fields: [], line: line)
    }
    return records
  }
}

extension StringProtocol {
  /// Without blanks, tabs and line ends at both ends.
  var trimmed: String {
    guard let first = firstIndex(where: { !$0.isWhitespace }),
      let last = lastIndex(where: { !$0.isWhitespace })
    else {
      return ""
    }
    return String(self[first...last])
  }
}
