import ScopeBytes
import ScopeGraph

/// Which bytes a tensor shows: two names with the same view are one tensor.
struct TensorView: Hashable {
  var storage: String
  var offset: Int
  var dimensions: [Int]
  var strides: [Int]
  var dataType: DataType
}

/// Reads tensors out of the calls that PyTorch writes for them (`torch._utils._rebuild_tensor_v2` ...).
struct PyTorchTensorBuilder {
  let run: PickleRun
  /// The bytes of the storage with that key.
  let source: (String) throws(ScopeError) -> ByteSlice
  /// Storages that are files inside the pickle, read once however many tensors show them.
  private let nested = NestedFiles()

  init(run: PickleRun, source: @escaping (String) throws(ScopeError) -> ByteSlice) {
    self.run = run
    self.source = source
  }

  enum Outcome {
    case tensor(Tensor, TensorView)
    /// A tensor of a kind that has no dense bytes here; the text says which.
    case unreadable(String)
    case notATensor
  }

  /// An expanded view (stride 0) may be larger than its storage, but not without bound.
  private static let expansionLimit = 64
  private static let expansionFloor = 1 << 26

  /// Whether `id` describes a tensor or parameter; builds nothing.
  func isTensor(_ id: PickleID) -> Bool {
    guard let (callee, _) = unwrapped(id) else { return NumPyArray.isArray(id, in: run) }
    switch callee {
    case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3",
      "torch._utils._rebuild_qtensor", "torch._utils._rebuild_sparse_tensor",
      "torch._utils._rebuild_nested_tensor",
      "torch._utils._rebuild_meta_tensor_no_storage", "torch._utils._rebuild_wrapper_subclass",
      "torch._utils._rebuild_sparse_csr_tensor":
      return true
    default: return NumPyArray.isArray(id, in: run)
    }
  }

  /// Whether the tensor's elements are integers that stand for numbers by a scale and a zero point.
  func isQuantized(_ id: PickleID) -> Bool { unwrapped(id)?.callee == "torch._utils._rebuild_qtensor" }

  /// - Throws: `malformed`, `truncated`, `limitExceeded` when the description contradicts the bytes.
  func build(_ id: PickleID) throws(ScopeError) -> Outcome {
    if NumPyArray.isArray(id, in: run) { return try NumPyArray.build(id, in: run) }
    guard let (callee, arguments) = unwrapped(id) else { return .notATensor }
    switch callee {
    case "torch._utils._rebuild_tensor", "torch._utils._rebuild_qtensor":
      return try strided(arguments, dataType: nil, metadata: nil)
    case "torch._utils._rebuild_tensor_v2":
      return try strided(arguments, dataType: nil, metadata: arguments.count > 6 ? arguments[6] : nil)
    case "torch._utils._rebuild_tensor_v3":
      guard arguments.count > 6, let type = run.global(arguments[6]).flatMap(PyTorchTypes.element) else {
        return .unreadable(
          "element type \(arguments.count > 6 ? run.global(arguments[6])?.name ?? "?" : "?")")
      }
      return try strided(arguments, dataType: type, metadata: arguments.count > 7 ? arguments[7] : nil)
    case "torch._utils._rebuild_sparse_tensor", "torch._utils._rebuild_sparse_csr_tensor":
      return .unreadable("sparse tensor")
    case "torch._utils._rebuild_nested_tensor": return .unreadable("nested tensor")
    case "torch._utils._rebuild_meta_tensor_no_storage": return .unreadable("meta tensor without data")
    case "torch._utils._rebuild_wrapper_subclass": return .unreadable("tensor subclass")
    default: return .notATensor
    }
  }

  /// Follows `_rebuild_parameter` and `_rebuild_from_type_v2` down to the call that makes the tensor.
  private func unwrapped(_ id: PickleID) -> (callee: String, arguments: [PickleID])? {
    guard let call = run.call(id), var callee = run.calleeName(call),
      var arguments = run.elements(call.arguments)
    else { return nil }
    for _ in 0..<16 {
      switch callee {
      case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
        guard let first = arguments.first, let inner = run.call(first), let name = run.calleeName(inner),
          let list = run.elements(inner.arguments)
        else { return nil }
        (callee, arguments) = (name, list)
      case "torch._tensor._rebuild_from_type_v2", "torch._tensor._rebuild_from_type",
        "torch.tensor._rebuild_from_type_v2", "torch.tensor._rebuild_from_type":
        guard arguments.count >= 3, let name = run.global(arguments[0]), let list = run.elements(arguments[2])
        else { return nil }
        (callee, arguments) = ("\(name.module).\(name.name)", list)
      default: return (callee, arguments)
      }
    }
    return nil
  }

  /// A number list, plain or wrapped as `torch.Size`.
  private func sizes(_ id: PickleID) -> [Int]? {
    var id = id
    if let call = run.call(id), run.calleeName(call) == "torch.Size" {
      guard let inner = run.elements(call.arguments)?.first else { return nil }
      id = inner
    }
    guard let items = run.elements(id), items.count <= 64 else { return nil }
    var result: [Int] = []
    for item in items {
      guard let value = run.integer(item) else { return nil }
      result.append(value)
    }
    return result
  }

  private func strided(
    _ arguments: [PickleID], dataType: DataType?, metadata: PickleID?
  ) throws(ScopeError) -> Outcome {
    guard arguments.count >= 4, let offset = run.integer(arguments[1]), let dimensions = sizes(arguments[2]),
      let strides = sizes(arguments[3])
    else {
      throw ScopeError(
        .malformed, "the tensor's description is not as PyTorch writes it",
        expected: "(storage, offset, size, stride, ...)", found: "\(arguments.count) arguments")
    }
    if let metadata, case .dict(let pairs) = run.value(metadata) {
      for pair in pairs.prefix(8) where run.integer(pair.value) == 1 {
        return .unreadable("\(run.shortText(pair.key) ?? "?") view")
      }
    }
    guard let storage = try storage(arguments[0]) else { return .unreadable("storage of an unknown type") }
    guard let type = dataType ?? storage.type else { return .unreadable("untyped storage") }
    let width = type.bitWidth / 8
    guard offset >= 0, strides.count == dimensions.count, dimensions.allSatisfy({ $0 >= 0 }),
      strides.allSatisfy({ $0 >= 0 })
    else {
      throw ScopeError(
        .malformed, "the tensor's offset, size and stride are not possible",
        found: "offset \(offset), size \(dimensions), stride \(strides)")
    }
    let count = try checkedProduct(dimensions, what: "tensor shape")
    let view = TensorView(
      storage: storage.key, offset: offset, dimensions: dimensions, strides: strides, dataType: type)
    guard count > 0 else {
      return .tensor(
        try Tensor(dataType: type, dimensions: dimensions, storage: .packed(ByteSlice([]))), view)
    }
    // Elements of the storage that the view reaches, counted from its first.
    var reach = 1
    for (size, stride) in zip(dimensions, strides) {
      let (step, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflow2) = reach.addingReportingOverflow(step)
      guard !overflow, !overflow2 else {
        throw ScopeError(
          .malformed, "the tensor's strides overflow", found: "size \(dimensions), stride \(strides)")
      }
      reach = sum
    }
    let available = storage.bytes.count / width
    guard offset <= available, reach <= available - offset else {
      throw ScopeError(
        .malformed, "the tensor reaches beyond its storage", place: "storage \"\(storage.key)\"",
        expected: "at most \(available) elements of \(type.name)",
        found: "offset \(offset), size \(dimensions), stride \(strides)",
        remedy: "The file is damaged or forged; fetch it again")
    }
    let bytes = try storage.bytes.slice(at: offset * width, count: reach * width, what: "tensor")
    if reach == count, Self.isContiguous(dimensions, strides) {
      return .tensor(try Tensor(dataType: type, dimensions: dimensions, storage: .packed(bytes)), view)
    }
    guard count / Self.expansionLimit <= reach || count <= Self.expansionFloor / width else {
      throw ScopeError(
        .limitExceeded, "an expanded view shows far more elements than its storage has",
        place: "storage \"\(storage.key)\"", expected: "at most \(Self.expansionLimit) times \(reach)",
        found: "\(count)")
    }
    return .tensor(
      try Tensor(dataType: type, dimensions: dimensions, storage: .strided(bytes, strides: strides)), view)
  }

  private static func isContiguous(_ dimensions: [Int], _ strides: [Int]) -> Bool {
    var wanted = 1
    for (size, stride) in zip(dimensions, strides).reversed() where size != 1 {
      guard stride == wanted else { return false }
      wanted *= size
    }
    return true
  }

  // MARK: Storages

  private final class NestedFiles {
    var storages: [PickleID: Storage] = [:]
  }

  private struct Storage {
    var bytes: ByteSlice
    var type: DataType?
    var key: String
  }

  /// The storage that a persistent id `('storage', type, key, location, numel[, view])` names; nil when its
  /// type is not one that is known.
  private func storage(_ id: PickleID) throws(ScopeError) -> Storage? {
    if let nested = try nestedStorage(id) { return nested }
    guard case .persistentID(let key) = run.value(id), let reference = StorageReference(key, in: run) else {
      throw ScopeError(
        .malformed, "a tensor's storage is not as PyTorch writes it",
        expected: "a persistent id ('storage', ...)")
    }
    guard let type = reference.type else { return nil }
    var bytes = try source(reference.key)
    let element: DataType?
    switch type {
    case .typed(let type): element = type
    case .untyped: element = nil
    }
    let width = (element?.bitWidth ?? 8) / 8
    let declared = try checkedProduct([reference.count, width], what: "storage size")
    guard declared <= bytes.count else {
      throw ScopeError(
        .malformed, "a storage has fewer bytes than it declares", place: "storage \"\(reference.key)\"",
        expected: "\(declared) bytes", found: "\(bytes.count)",
        remedy: "The file is damaged or forged; fetch it again")
    }
    bytes = bytes.prefix(declared)
    guard let view = reference.view else { return Storage(bytes: bytes, type: element, key: reference.key) }
    let start = try checkedProduct([view.offset, width], what: "view offset")
    let length = try checkedProduct([view.count, width], what: "view size")
    return Storage(
      bytes: try bytes.slice(at: start, count: length, what: "storage view"), type: element,
      key: "\(reference.key)+\(view.offset)")
  }

  /// A storage inside a plain pickle: `torch.storage._load_from_bytes(b'...')` holds a whole legacy file.
  private func nestedStorage(_ id: PickleID) throws(ScopeError) -> Storage? {
    guard let call = run.call(id), run.calleeName(call) == "torch.storage._load_from_bytes",
      let argument = run.elements(call.arguments)?.first, case .bytes(let bytes) = run.value(argument)
    else { return nil }
    if let known = nested.storages[id] { return known }
    let file = try PyTorchLegacyFile(bytes)
    guard let result = file.run.result, case .persistentID = file.run.value(result) else {
      throw ScopeError(.malformed, "a pickled storage holds no storage", place: "byte \(bytes.offset)")
    }
    let inner = PyTorchTensorBuilder(run: file.run, source: file.storage)
    guard var storage = try inner.storage(result) else { return nil }
    storage.key = "bytes \(id.index)"
    nested.storages[id] = storage
    return storage
  }
}

/// A persistent id that names a storage.
struct StorageReference {
  /// Nil when the class is not one of PyTorch's.
  var type: PyTorchTypes.StorageType?
  var key: String
  /// Elements; bytes when untyped.
  var count: Int
  /// A part of a legacy storage, in elements.
  var view: (offset: Int, count: Int)?

  init?(_ id: PickleID, in run: PickleRun) {
    guard let items = run.elements(id), items.count >= 5, run.shortText(items[0]) == "storage",
      let count = run.integer(items[4]), count >= 0, let key = Self.key(items[2], in: run)
    else { return nil }
    type = run.global(items[1]).flatMap(PyTorchTypes.storage)
    self.key = key
    self.count = count
    if items.count > 5, let parts = run.elements(items[5]), parts.count == 3 {
      guard let offset = run.integer(parts[1]), let size = run.integer(parts[2]), offset >= 0, size >= 0
      else { return nil }
      view = (offset, size)
    }
  }

  static func key(_ id: PickleID, in run: PickleRun) -> String? {
    run.shortText(id) ?? run.integer(id).map(String.init)
  }
}
