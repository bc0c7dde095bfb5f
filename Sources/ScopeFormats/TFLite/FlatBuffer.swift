import ScopeBytes

/// A bounds-checked view of a FlatBuffer (google.github.io/flatbuffers, "FlatBuffer Internals"): only what reading
/// tables, vectors and strings needs. Every access spends from a budget, so that vectors which point at one table
/// again and again cannot make the reading endless.
package struct FlatBuffer {
  package let bytes: ByteSlice
  private var budget: Int

  /// - Parameter budget: tables, vector elements and texts that may be read.
  package init(_ bytes: ByteSlice, budget: Int = 16_000_000) {
    self.bytes = bytes
    self.budget = budget
  }

  /// A table: where it begins and where its field offsets are.
  package struct Table {
    fileprivate let position: Int
    fileprivate let fields: Int
    fileprivate let fieldBytes: Int
    fileprivate let size: Int
  }

  /// A vector: where its elements begin and how many there are.
  package struct Vector {
    package let position: Int
    package let count: Int
  }

  package mutating func spend(_ count: Int = 1) throws(ScopeError) {
    budget -= count
    guard budget >= 0 else {
      throw ScopeError(.limitExceeded, "the file refers to more parts than a model has")
    }
  }

  package mutating func root() throws(ScopeError) -> Table { try table(at: try target(0)) }

  /// Follows the unsigned offset at `position`.
  private func target(_ position: Int) throws(ScopeError) -> Int {
    let offset: UInt32 = try bytes.integer(at: position, what: "offset")
    guard offset > 0, Int(offset) <= bytes.count - position else {
      throw ScopeError(
        .malformed, "an offset points outside the file", place: "byte \(bytes.offset + position)",
        found: "\(offset)")
    }
    return position + Int(offset)
  }

  private mutating func table(at position: Int) throws(ScopeError) -> Table {
    try spend()
    let back: Int32 = try bytes.integer(at: position, what: "table")
    let (fields, overflow) = position.subtractingReportingOverflow(Int(back))
    guard !overflow, fields >= 0, fields <= bytes.count - 4 else {
      throw ScopeError(
        .malformed, "a table's field list lies outside the file", place: "byte \(bytes.offset + position)")
    }
    let length: UInt16 = try bytes.integer(at: fields, what: "field list")
    let size: UInt16 = try bytes.integer(at: fields + 2, what: "field list")
    guard length >= 4, length % 2 == 0 else {
      throw ScopeError(
        .malformed, "a table's field list is not possible", place: "byte \(bytes.offset + fields)")
    }
    _ = try bytes.slice(at: fields, count: Int(length), what: "field list")
    _ = try bytes.slice(at: position, count: Int(size), what: "table")
    return Table(position: position, fields: fields, fieldBytes: Int(length), size: Int(size))
  }

  /// Where field number `id` lies, nil when it is absent (its default holds).
  private func field(_ table: Table, _ id: Int, width: Int) throws(ScopeError) -> Int? {
    guard 4 + 2 * id + 2 <= table.fieldBytes else { return nil }
    let offset: UInt16 = try bytes.integer(at: table.fields + 4 + 2 * id)
    guard offset != 0 else { return nil }
    guard Int(offset) + width <= table.size else {
      throw ScopeError(
        .malformed, "a field lies outside its table", place: "byte \(bytes.offset + table.position)",
        found: "\(offset)")
    }
    return table.position + Int(offset)
  }

  package func scalar<T: FixedWidthInteger>(_ table: Table, _ id: Int, default value: T) throws(ScopeError)
    -> T
  {
    guard let position = try field(table, id, width: MemoryLayout<T>.size) else { return value }
    return try bytes.integer(at: position)
  }

  package mutating func table(_ table: Table, _ id: Int) throws(ScopeError) -> Table? {
    guard let position = try field(table, id, width: 4) else { return nil }
    return try self.table(at: try target(position))
  }

  /// - Parameter width: bytes of an element.
  package func vector(_ table: Table, _ id: Int, width: Int) throws(ScopeError) -> Vector? {
    guard let position = try field(table, id, width: 4) else { return nil }
    let start = try target(position)
    let count: UInt32 = try bytes.integer(at: start, what: "vector")
    guard Int(count) <= (bytes.count - start - 4) / width else {
      throw ScopeError(
        .truncated, "a vector declares more than the file holds", place: "byte \(bytes.offset + start)",
        expected: "\(count) elements of \(width) bytes", found: "\(bytes.count - start - 4) bytes left",
        remedy: "The file is truncated or its header lies; fetch it again")
    }
    return Vector(position: start + 4, count: Int(count))
  }

  package mutating func tables(_ table: Table, _ id: Int) throws(ScopeError) -> [Table] {
    guard let vector = try vector(table, id, width: 4) else { return [] }
    var result: [Table] = []
    for index in 0..<vector.count {
      result.append(try self.table(at: try target(vector.position + 4 * index)))
    }
    return result
  }

  package mutating func int32s(_ table: Table, _ id: Int) throws(ScopeError) -> [Int] {
    guard let vector = try vector(table, id, width: 4) else { return [] }
    try spend(vector.count)
    var result: [Int] = []
    for index in 0..<vector.count {
      result.append(Int(try bytes.integer(at: vector.position + 4 * index, as: Int32.self)))
    }
    return result
  }

  package mutating func text(_ table: Table, _ id: Int) throws(ScopeError) -> String? {
    guard let vector = try vector(table, id, width: 1) else { return nil }
    try spend(1 + vector.count / 64)
    return String(
      decoding: try bytes.slice(at: vector.position, count: min(vector.count, 4096)).array, as: UTF8.self)
  }
}
