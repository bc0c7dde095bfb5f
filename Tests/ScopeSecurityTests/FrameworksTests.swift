import Foundation
import ScopeBytes
import ScopeSecurity
import TestSupport
import Testing

/// Keras, TensorFlow, TensorFlow Lite, GGUF, safetensors and chat templates: `malicious/frameworks`, written by
/// `make_malicious_frameworks.py`.
@Suite struct FrameworksTests {
  /// The rule that a file's name says: `ker001_lambda.h5`.
  private static func rule(of path: String) -> String? {
    let prefix = Corpus.name(path).prefix { $0 != "_" }
    let letters = prefix.prefix { $0.isLetter }
    guard prefix.dropFirst(letters.count).count == 3, Int(prefix.dropFirst(letters.count)) != nil else {
      return nil
    }
    return prefix.uppercased()
  }

  @Test func theRuleMadeForItFires() throws {
    var fired: Set<String> = []
    for path in Corpus.files("bad", family: "frameworks") {
      guard let rule = Self.rule(of: path) else { continue }
      let verdict = try SecurityScanner().scan(file: path)
      let hits = verdict.findings.filter { $0.rule == rule && $0.severity >= .medium }
      #expect(!hits.isEmpty, "\(Corpus.name(path)): \(verdict.findings.map { "\($0.rule) \($0.evidence)" })")
      if !hits.isEmpty { fired.insert(rule) }
    }
    #expect(
      fired.isSuperset(of: [
        "KER001", "KER002", "KER003", "KER004", "KER005", "KER006", "KER007", "TF001", "TF002", "TFL001",
        "TFL002", "GG001", "GG002", "GG003", "ST001", "ST002", "ST003",
      ]))
  }

  @Test func whatCannotBeReadIsIncomplete() throws {
    let files = Corpus.files("incomplete", family: "frameworks")
    #expect(files.count >= 10)
    for path in files {
      let verdict = try SecurityScanner().scan(file: path)
      #expect(verdict.verdict == .incomplete, "\(Corpus.name(path)): \(verdict.format) \(verdict.findings)")
    }
  }

  @Test(arguments: [
    ("ker001_lambda.h5", "keras-h5"), ("ker001_lambda.keras", "keras"),
    ("ker001_config.json", "keras-config"),
    ("ker001_keras_metadata.pb", "keras-metadata"), ("tf001_pyfunc.pb", "tensorflow-savedmodel"),
    ("tf001_frozen.pb", "tensorflow-graph"), ("tf001_text.pbtxt", "tensorflow-text"),
    ("tfl001_flexreadfile.tflite", "tflite"), ("gg001_rank.gguf", "gguf"),
    ("gg002_mro.jinja", "chat-template"),
    ("st001_size.safetensors", "safetensors"), ("gg002_chat_template.json", "chat-template"),
  ])
  func theFormatIsNamed(_ file: String, _ format: String) throws {
    let path = Fixture.path("malicious/frameworks/bad/\(file)")
    #expect(try SecurityScanner().scan(file: path).format == format)
  }

  /// Pickles inside wrappers, archives and polyglots are scanned under the pickle rules.
  @Test(arguments: [
    "ker005_torch.keras", "ker005_torch_bytes.keras", "gguf_zip_behind.gguf", "tflite_zip_pickle.tflite",
    "user_block_pickle.h5",
  ])
  func theHiddenPickleIsScanned(_ file: String) throws {
    let verdict = try SecurityScanner().scan(file: Fixture.path("malicious/frameworks/bad/\(file)"))
    #expect(
      Corpus.rules(verdict).contains("PKL001"), "\(verdict.findings.map { "\($0.rule) \($0.evidence)" })")
  }

  /// A file that was cut off is never safe. Left out are texts and lists of records, of which any beginning is whole.
  @Test func cutFilesAreNeverSafe() throws {
    let records = [
      "keras_metadata.pb", "tf_real_fingerprint.pb", "tf_real_frozen.pb", "tf_real_saver.pb",
      "tf_real_checkpoint.meta",
    ]
    for path in Corpus.files("good", family: "frameworks") + Corpus.files("bad", family: "frameworks") {
      let name = Corpus.name(path)
      if name.hasSuffix(".jinja") || name.hasSuffix(".pbtxt") || name.hasSuffix(".yaml")
        || records.contains(name)
      {
        continue
      }
      let whole = try ByteSlice(mappingFile: path)
      // Before the first file behind it, a model is whole.
      let hasMore = ["labels.tflite", "tflite_zip_pickle.tflite", "gguf_zip_behind.gguf"].contains(name)
      let first = hasMore ? try #require(whole.firstIndex(of: [0x50, 0x4B, 3, 4])) + 4 : 0
      // Padding behind the last tensor or table may be missing.
      for count in stride(from: 0, to: whole.count - 64, by: max(1, whole.count / 97)) {
        if count < first, count > first - 64 { continue }
        let verdict = SecurityScanner().scan(ByteSlice(whole.prefix(count).array), path: name)
        #expect(verdict.verdict != .safe, "\(name) cut to \(count) of \(whole.count) bytes")
      }
    }
  }

  /// Files that other tests read, written by the libraries themselves.
  @Test(arguments: ["tiny.h5", "tiny.keras", "tiny.weights.h5", "tiny.tflite", "tiny.gguf"])
  func describedModelsAreSafe(_ file: String) throws {
    let verdict = try SecurityScanner().scan(file: Fixture.path("described/\(file)"))
    #expect(verdict.verdict == .safe, "\(verdict.findings.map { "\($0.rule) \($0.evidence)" })")
  }

  @Test func templatesAreBounded() {
    let start = ContinuousClock.now
    let inputs = [
      String(repeating: "{{ (", count: 50_000), "{{ " + String(repeating: "(", count: 100_000) + "1",
      String(repeating: "{% if x %}", count: 50_000), "{{ " + String(repeating: "-", count: 100_000) + "1 }}",
      "{{ " + String(repeating: "a.", count: 100_000) + "b }}",
      "{{ 'a'" + String(repeating: "|upper", count: 50_000) + " }}",
      "{{ " + String(repeating: "'a' ~ ", count: 50_000) + "'b' }}",
      "{% set a = 'x' %}" + String(repeating: "{% set a = a ~ a %}", count: 2000),
      // Nothing, written out more often than anyone can count.
      "{{ '' * 99999999999 }}", "{{ '' * 1e300 }}", "{{ ('' * 1e9) * 1e9 }}",
    ]
    for text in inputs {
      let verdict = SecurityScanner().scan(ByteSlice(Array(text.utf8)), path: "x.jinja")
      #expect(verdict.format == "chat-template")
    }
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  @Test func hostileStructuresAreBounded() {
    let start = ContinuousClock.now
    // Nested protobuf, deep JSON, text graphs.
    var graph: [UInt8] = []
    for _ in 0..<4000 { graph = [0x0A] + Self.varint(graph.count) + graph }
    _ = SecurityScanner().scan(ByteSlice(graph), path: "x.pb")
    let json = "{\"class_name\":" + String(repeating: "[", count: 500_000)
    #expect(SecurityScanner().scan(ByteSlice(Array(json.utf8)), path: "config.json").verdict != .safe)
    let text = "node { op: \"x\" " + String(repeating: "a { ", count: 200_000)
    #expect(SecurityScanner().scan(ByteSlice(Array(text.utf8)), path: "x.pbtxt").verdict != .safe)
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  private static func varint(_ value: Int) -> [UInt8] {
    var (value, bytes) = (value, [UInt8]())
    while value >= 0x80 {
      bytes.append(UInt8(value & 0x7F | 0x80))
      value >>= 7
    }
    return bytes + [UInt8(value)]
  }
}
