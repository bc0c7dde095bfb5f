import Foundation
import ScopeBytes
import ScopeFormats
import TestSupport
import Testing

@Suite struct SafetensorsReaderTests {
  private func file(_ header: String, data: Int, length: UInt64? = nil) -> ByteSlice {
    var bytes: [UInt8] = []
    withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { bytes += Array($0) }
    return ByteSlice(bytes + Array(header.utf8) + [UInt8](repeating: 1, count: data))
  }

  private func error(_ bytes: ByteSlice) -> ScopeError? {
    failure { () throws(ScopeError) in _ = try SafetensorsReader.read(bytes) }
  }

  @Test func readsPaddedHeaders() throws {
    let weights = try SafetensorsReader.read(
      file("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}   ", data: 2))
    #expect(try weights.tensors["a"]?.int64s() == [1, 1])
    #expect(try SafetensorsReader.read(file("{}", data: 0)).tensors.isEmpty)
  }

  @Test func refusesWhatTheSpecificationForbids() {
    func entry(_ name: String, _ from: String, _ to: String, shape: String = "[2]", type: String = "U8")
      -> String
    {
      "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(from),\(to)]}"
    }
    let cases: [(ByteSlice, ScopeError.Code, String)] = [
      (file("{}", data: 1), .malformed, "data without tensor"),
      (file("{\(entry("a", "0", "2"))}", data: 3), .malformed, "bytes after the last tensor"),
      (file("{\(entry("a", "0", "2"))}", data: 1), .truncated, "truncated data"),
      (file("{\(entry("a", "1", "3"))}", data: 3), .malformed, "hole"),
      (file("{\(entry("a", "0", "2")),\(entry("b", "1", "3"))}", data: 3), .malformed, "overlap"),
      (file("{\(entry("a", "0", "2")),\(entry("a", "2", "4"))}", data: 4), .malformed, "duplicate"),
      (file("{\(entry("a", "2", "0"))}", data: 2), .malformed, "backwards"),
      (file("{\(entry("a", "0", "3"))}", data: 3), .malformed, "size"),
      (file("{\(entry("a", "0", "2", type: "X9"))}", data: 2), .unsupported, "type"),
      (
        file("{\(entry("a", "0", "2", shape: "[9223372036854775807,9]"))}", data: 2), .limitExceeded,
        "overflow"
      ),
      (file("{\(entry("a", "0", "2", shape: "[-2]"))}", data: 2), .malformed, "negative"),
      (file("{\(entry("a", "0", "18446744073709551616"))}", data: 2), .malformed, "2^64"),
      (file("{\(entry("a", "0", "9223372036854775807"))}", data: 2), .truncated, "2^63"),
      (file("{\"__metadata__\":{\"a\":1}}", data: 0), .malformed, "metadata"),
      (file("[]", data: 0), .malformed, "array"),
      (file("{", data: 0), .malformed, "open"),
      (file("{}", data: 0, length: .max), .limitExceeded, "length"),
      (file("{}", data: 0, length: 1000), .truncated, "header beyond end"),
      (file("{\"a\":" + String(repeating: "[", count: 5000) + "}", data: 0), .limitExceeded, "nesting"),
    ]
    for (bytes, code, what) in cases {
      #expect(error(bytes)?.code == code, "\(what): \(error(bytes)?.description ?? "none")")
    }
  }

  @Test func staysInsideTheFolder() throws {
    for path in ["../x.safetensors", "/etc/passwd", "a/../../x", "a\\\\b", ""] {
      let index = "{\"weight_map\":{\"a\":\"\(path)\"}}"
      let error = try withFile(Array(index.utf8), named: "model.safetensors.index.json") { file in
        failure { () throws(ScopeError) in _ = try ModelReader.read(path: file) }
      }
      #expect(error?.code == .malformed && error?.message.contains("outside") == true, "\(path)")
    }
    let index = Array("{\"weight_map\":{\"a\":\"missing.safetensors\"}}".utf8)
    let error = try withFile(index) { file in
      failure { () throws(ScopeError) in _ = try ModelReader.read(path: file) }
    }
    #expect(error?.code == .notFound && error?.file?.hasSuffix("missing.safetensors") == true)
  }
}
