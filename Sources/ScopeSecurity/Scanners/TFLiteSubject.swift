import ScopeBytes
import ScopeFormats

/// A TensorFlow Lite model with everything in it that does not fit: each part is examined although others are broken.
/// No buffer's bytes are read.
///
/// Field numbers: `schema.fbs` of LiteRT, schema version 3.
struct TFLiteSubject {
  let member: String?
  /// Names of custom operators, as the application or the flex delegate registers them.
  private(set) var customOperators: [String] = []
  private(set) var problems: [(place: String, detail: String)] = []

  private var file: FlatBuffer
  private var codes = 0
  private var buffers: [Int?] = []
  /// Where the bytes of each buffer are, for the texts in them.
  private var contents: [ByteSlice?] = []
  /// Which graphs call which.
  private var calls: Set<[Int]> = []
  private var current = 0
  private var subgraphs = 0

  private struct Tensor {
    var bits: Int
    var shape: [Int]
    var buffer: Int
    var isSparse: Bool
    var isText: Bool
    var name: String
  }

  private static let bits: [Int] = [
    32, 16, 32, 8, 64, 0, 8, 16, 64, 8, 64, 128, 64, 0, 0, 32, 16, 4, 16, 2, 4, 8, 8,
  ]

  init(_ bytes: ByteSlice, member: String?) {
    self.member = member
    file = FlatBuffer(bytes)
    guard let root = attempt("root", { (file) throws(ScopeError) in try file.root() }) else { return }
    attempt("version") { (file) throws(ScopeError) in
      let version: UInt32 = try file.scalar(root, 0, default: 0)
      guard version == 3 else {
        throw ScopeError(.malformed, "the schema version is not known", expected: "3", found: "\(version)")
      }
    }
    readCodes(root)
    readBuffers(root)
    readSubgraphs(root)
    readMetadata(root)
  }

  /// Runs a step of reading; what it throws is noted.
  @discardableResult
  private mutating func attempt<T>(
    _ place: String, _ body: (inout FlatBuffer) throws(ScopeError) -> T
  ) -> T? {
    do throws(ScopeError) {
      return try body(&file)
    } catch {
      note(place, error)
      return nil
    }
  }

  private mutating func note(_ place: String, _ error: ScopeError) {
    guard problems.count < 32 else { return }
    let parts = [
      error.place, error.expected.map { "expected \($0)" }, error.found.map { "found \($0)" },
    ].compactMap { $0 }
    problems.append((place, ([error.message] + parts).joined(separator: ", ")))
  }

  private mutating func note(_ place: String, _ detail: String) {
    if problems.count < 32 { problems.append((place, detail)) }
  }

  private mutating func readCodes(_ root: FlatBuffer.Table) {
    let tables: [FlatBuffer.Table] =
      attempt("operator_codes") { (file) throws(ScopeError) in try file.tables(root, 1) } ?? []
    codes = tables.count
    for (index, table) in tables.enumerated() {
      let custom: String?? = attempt("operator_codes[\(index)]") { (file) throws(ScopeError) -> String? in
        let old: Int8 = try file.scalar(table, 0, default: 0)
        let new: Int32 = try file.scalar(table, 3, default: 0)
        let code = max(Int(old), Int(new))
        guard old >= 0, new >= 0 else {
          throw ScopeError(
            .malformed, "the number of an operator is negative", found: "\(min(Int(old), Int(new)))")
        }
        let name = try file.text(table, 1)
        return code == 32 ? (name ?? "(unnamed)") : nil
      }
      if let name = custom ?? nil, customOperators.count < 1024 { customOperators.append(name) }
    }
  }

  private mutating func readBuffers(_ root: FlatBuffer.Table) {
    let tables: [FlatBuffer.Table] =
      attempt("buffers") { (file) throws(ScopeError) in try file.tables(root, 4) } ?? []
    for (index, table) in tables.enumerated() {
      let content: ByteSlice?? = try? file.vector(table, 0, width: 1).flatMap {
        try? file.bytes.slice(at: $0.position, count: $0.count)
      }
      contents.append(content ?? nil)
      buffers.append(
        attempt("buffers[\(index)]") { (file) throws(ScopeError) in
          let inside = try file.vector(table, 0, width: 1)?.count ?? 0
          let offset: UInt64 = try file.scalar(table, 1, default: 0)
          guard offset > 1 else { return inside }
          let size: UInt64 = try file.scalar(table, 2, default: 0)
          return try file.bytes.slice(
            at: Int(clamping: offset), count: Int(clamping: size), what: "the buffer behind the model"
          ).count
        })
    }
  }

  private mutating func readSubgraphs(_ root: FlatBuffer.Table) {
    let tables: [FlatBuffer.Table] =
      attempt("subgraphs") { (file) throws(ScopeError) in try file.tables(root, 2) } ?? []
    subgraphs = tables.count
    if tables.isEmpty, problems.isEmpty { note("subgraphs", "the model has no graph") }
    for (index, table) in tables.enumerated() {
      current = index
      readSubgraph(table, "subgraphs[\(index)]")
    }
    if hasCycle { note("subgraphs", "graphs call each other without end") }
  }

  /// Whether following the calls leads back to where they began.
  private var hasCycle: Bool {
    var state = [Int](repeating: 0, count: subgraphs)
    var targets = [[Int]](repeating: [], count: subgraphs)
    for call in calls where call[0] < subgraphs && call[1] < subgraphs { targets[call[0]].append(call[1]) }
    for start in 0..<subgraphs where state[start] == 0 {
      var stack = [(start, 0)]
      state[start] = 1
      while let (graph, next) = stack.popLast() {
        guard next < targets[graph].count else {
          state[graph] = 2
          continue
        }
        stack.append((graph, next + 1))
        let target = targets[graph][next]
        if state[target] == 1 { return true }
        if state[target] == 0 {
          state[target] = 1
          stack.append((target, 0))
        }
      }
    }
    return false
  }

  private mutating func readSubgraph(_ table: FlatBuffer.Table, _ place: String) {
    let tables: [FlatBuffer.Table] =
      attempt("\(place).tensors") { (file) throws(ScopeError) in try file.tables(table, 0) } ?? []
    for (index, entry) in tables.enumerated() {
      let tensor: Tensor? = attempt("\(place).tensors[\(index)]") { (file) throws(ScopeError) in
        let type: Int8 = try file.scalar(entry, 1, default: 0)
        let number = Int(try file.scalar(entry, 2, default: UInt32(0)))
        return Tensor(
          bits: Self.bits.indices.contains(Int(type)) ? Self.bits[Int(type)] : -1,
          shape: try file.int32s(entry, 0), buffer: number, isSparse: try file.table(entry, 6) != nil,
          isText: type == 5,
          name: try file.text(entry, 3).map { String($0.prefix(80)) } ?? "")
      }
      if let tensor { check(tensor, "\(place).tensors[\(index)]") }
      attempt("\(place).tensors[\(index)].quantization") { (file) throws(ScopeError) in
        guard let quantization = try file.table(entry, 4) else { return }
        let dimension = Int(try file.scalar(quantization, 6, default: Int32(0)))
        let rank = try file.vector(entry, 0, width: 4)?.count ?? 0
        if let scales = try file.vector(quantization, 2, width: 4), scales.count > 1,
          dimension < 0 || dimension >= rank
        {
          throw ScopeError(
            .malformed, "the tensor is quantized along a dimension that it lacks", expected: "below \(rank)",
            found: "\(dimension)")
        }
        for (field, width) in [(0, 4), (1, 4), (2, 4), (3, 8)] {
          _ = try file.vector(quantization, field, width: width)
        }
      }
    }
    let count = tables.count
    for (field, name) in [(1, "inputs"), (2, "outputs")] {
      let numbers: [Int] =
        attempt("\(place).\(name)") { (file) throws(ScopeError) in try file.int32s(table, field) } ?? []
      for number in numbers where number < 0 || number >= count {
        note("\(place).\(name)", "tensor \(number) does not exist, the graph has \(count)")
      }
    }
    let nodes: [FlatBuffer.Table] =
      attempt("\(place).operators") { (file) throws(ScopeError) in try file.tables(table, 3) } ?? []
    for (index, node) in nodes.enumerated() { readNode(node, "\(place).operators[\(index)]", tensors: count) }
  }

  private mutating func readNode(_ node: FlatBuffer.Table, _ place: String, tensors: Int) {
    let limit = codes
    attempt(place) { (file) throws(ScopeError) in
      let code = Int(try file.scalar(node, 0, default: UInt32(0)))
      guard code < limit else {
        throw ScopeError(
          .malformed, "the operator's number does not exist", expected: "below \(limit)", found: "\(code)")
      }
      // Inputs, outputs, intermediates: -1 is an input that is left out.
      for (field, lowest) in [(1, -1), (2, 0), (8, 0)] {
        for number in try file.int32s(node, field) where number < lowest || number >= tensors {
          throw ScopeError(
            .malformed, "the operator uses a tensor that does not exist", expected: "below \(tensors)",
            found: "\(number)")
        }
      }
      _ = try file.vector(node, 5, width: 1)
      let offset: UInt64 = try file.scalar(node, 9, default: 0)
      if offset > 1 {
        let size: UInt64 = try file.scalar(node, 10, default: 0)
        _ = try file.bytes.slice(
          at: Int(clamping: offset), count: Int(clamping: size), what: "the options behind the model")
      }
    }
    let graphs = subgraphs
    let called: [Int]? = attempt(place) { (file) throws(ScopeError) -> [Int] in
      // CallOptions, IfOptions, WhileOptions, CallOnceOptions: each names sub-graphs.
      let kind: UInt8 = try file.scalar(node, 3, default: 0)
      let fields: [Int] = Self.graphOptions[kind] ?? []
      guard kind != 0, let options = try file.table(node, 4) else { return [] }
      var called: [Int] = []
      for field in fields {
        let number = Int(try file.scalar(options, field, default: Int32(0)))
        guard number >= 0, number < graphs else {
          throw ScopeError(
            .malformed, "the operator calls a graph that does not exist", expected: "below \(graphs)",
            found: "\(number)")
        }
        called.append(number)
      }
      return called
    }
    for number in called ?? [] { calls.insert([current, number]) }
  }

  /// Fields with numbers of sub-graphs, by the member of the union `BuiltinOptions`.
  private static let graphOptions: [UInt8: [Int]] = [16: [0], 92: [0, 1], 93: [0, 1], 103: [0]]

  /// A buffer of texts: their number, one offset more than that, then the texts.
  private static func isTextTable(_ bytes: ByteSlice) -> Bool {
    guard let count: Int32 = try? bytes.integer(at: 0), count >= 0, Int(count) <= (bytes.count - 4) / 4 - 1
    else {
      return bytes.count >= 4 && (try? bytes.integer(at: 0, as: Int32.self)) == 0
    }
    var last = 0
    for index in 0...Int(min(count, 1 << 20)) {
      guard let offset: Int32 = try? bytes.integer(at: 4 + 4 * index), Int(offset) >= last,
        Int(offset) <= bytes.count
      else { return false }
      last = Int(offset)
    }
    return true
  }

  private mutating func check(_ tensor: Tensor, _ place: String) {
    let shown = tensor.name.isEmpty ? place : "\(place) \"\(PickleAnalysis.printable(tensor.name))\""
    guard tensor.buffer < max(buffers.count, 1) else {
      note(shown, "buffer \(tensor.buffer) does not exist, the file has \(buffers.count)")
      return
    }
    if tensor.isText, tensor.buffer > 0, contents.indices.contains(tensor.buffer),
      let bytes = contents[tensor.buffer], !bytes.isEmpty, !Self.isTextTable(bytes)
    {
      note(shown, "the offsets of its texts lie outside buffer \(tensor.buffer)")
    }
    guard tensor.bits >= 0 else { return note(shown, "the tensor's type is not known") }
    guard tensor.shape.count <= 64, tensor.shape.allSatisfy({ $0 >= 0 }),
      let elements = try? checkedProduct(tensor.shape, what: "shape"),
      case (let total, let overflow) = elements.multipliedReportingOverflow(by: max(tensor.bits, 1)),
      !overflow,
      total / 8 <= 1 << 40
    else {
      return note(shown, "the shape \(tensor.shape.prefix(8)) is negative or overflows")
    }
    guard tensor.buffer > 0, buffers.indices.contains(tensor.buffer), let size = buffers[tensor.buffer],
      size > 0,
      tensor.bits > 0, !tensor.isSparse, (total + 7) / 8 != size
    else { return }
    note(
      shown,
      "the shape \(tensor.shape.prefix(8)) needs \((total + 7) / 8) bytes, buffer \(tensor.buffer) has \(size)"
    )
  }

  private mutating func readMetadata(_ root: FlatBuffer.Table) {
    let (count, graphs) = (buffers.count, subgraphs)
    let metadata: [FlatBuffer.Table] =
      attempt("metadata") { (file) throws(ScopeError) in try file.tables(root, 6) } ?? []
    for (index, entry) in metadata.prefix(1024).enumerated() {
      attempt("metadata[\(index)]") { (file) throws(ScopeError) -> Void in
        _ = try file.text(entry, 0)
        let number = Int(try file.scalar(entry, 1, default: UInt32(0)))
        guard number < count else {
          throw ScopeError(
            .malformed, "the buffer does not exist", expected: "below \(count)", found: "\(number)")
        }
      }
    }
    let signatures: [FlatBuffer.Table] =
      attempt("signatures") { (file) throws(ScopeError) in try file.tables(root, 7) } ?? []
    for (index, entry) in signatures.prefix(1024).enumerated() {
      attempt("signatures[\(index)]") { (file) throws(ScopeError) -> Void in
        let number = Int(try file.scalar(entry, 4, default: UInt32(0)))
        guard number < graphs else {
          throw ScopeError(
            .malformed, "the graph does not exist", expected: "below \(graphs)", found: "\(number)")
        }
        _ = try file.text(entry, 2)
        for field in [0, 1] { for map in try file.tables(entry, field) { _ = try file.text(map, 0) } }
      }
    }
  }
}
