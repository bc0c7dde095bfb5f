import ScopeBytes
import ScopeFormats

/// Bytes that a loader named by the pickle loads in turn: they count as part of the file.
extension PickleAnalysis {
  /// Loaders whose argument is scanned. The first is ordinary (tensors inside plain pickles); Keras stores models so.
  static let loaders: Set<String> = [
    "torch.storage._load_from_bytes", "keras.src.saving.keras_saveable.KerasSaveable._unpickle_model",
    "pickle.loads", "dill.loads", "cloudpickle.loads", "cloudpickle.cloudpickle.loads", "joblib.load",
    "torch.load", "torch.serialization.load", "numpy.load", "pandas.read_pickle", "pickle.load", "dill.load",
    "marshal.loads", "pickle._loads", "pickle._load",
  ]

  /// Notes literal bytes that a loader is given; a harmless loader of bytes that are not literal is reported.
  mutating func followLoadedBytes(_ path: String, _ call: PickleCall, at offset: Int) {
    guard Self.loaders.contains(path), let first = run.elements(call.arguments)?.first else { return }
    if let bytes = literalBytes(first, depth: 0) {
      if path != "marshal.loads" { loadedBytes.append((bytes, offset)) }
    } else if case .inert = judge(path) {
      record(
        path,
        Site(route: "REDUCE", chain: [], offset: offset, arguments: "bytes that are computed while loading"),
        as: .dangerous(.deserialisation, reason: "loads bytes that cannot be examined"))
    }
  }

  /// The bytes of a literal, or of the ways in which pickles write bytes: `_codecs.encode(text, "latin1")`,
  /// `bytearray(...)`, `BytesIO(...)`, base64.
  private func literalBytes(_ id: PickleID, depth: Int) -> ByteSlice? {
    switch run.value(id) {
    case .bytes(let bytes), .bytearray(let bytes): return bytes
    case .call(let call):
      guard depth < 4, let name = run.calleeName(call), let items = run.elements(call.arguments),
        let first = items.first
      else { return nil }
      switch CallableCatalogue.canonical(name) {
      case "_codecs.encode", "codecs.encode":
        guard items.count == 2, let encoding = run.text(items[1]), encoding.hasPrefix("latin"),
          let text = run.text(first)
        else { return nil }
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
          guard scalar.value < 256 else { return nil }
          bytes.append(UInt8(scalar.value))
        }
        return ByteSlice(bytes)
      case "builtins.bytes", "builtins.bytearray", "io.BytesIO", "builtins.memoryview":
        return literalBytes(first, depth: depth + 1)
      case "base64.b64decode", "base64.decodebytes", "base64.standard_b64decode", "binascii.a2b_base64":
        let text = literalBytes(first, depth: depth + 1) ?? run.text(first).map { ByteSlice(Array($0.utf8)) }
        return text.flatMap { Self.base64($0) }
      default: return nil
      }
    default: return nil
    }
  }

  /// RFC 4648, white space ignored; nil when it is none. Padding does not end it: what an attacker appends is read too.
  static func base64(_ text: ByteSlice) -> ByteSlice? {
    guard text.count <= 64 << 20 else { return nil }
    return Base64.decode(text.array.lazy.filter { $0 != 0x3D }).map { ByteSlice($0) }
  }
}
