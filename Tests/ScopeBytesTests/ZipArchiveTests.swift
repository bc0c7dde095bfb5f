import Foundation
import ScopeBytes
import Testing

private let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appending(path: "Fixtures/formats").path()

/// Makes archives with stored members, and lets tests lie in every field.
struct ZipMaker {
  struct Entry {
    var name: String
    var data: [UInt8]
    var method: UInt16 = 0
    var size: UInt32?
    var flags: UInt16 = 0
    var attributes: UInt32 = 0
    var localName: String?
    var localMethod: UInt16?
    var localSize: UInt32?
    var headerOffset: UInt32?
  }

  var entries: [Entry]
  var prefix: [UInt8] = []
  var suffix: [UInt8] = []
  var shiftsOffsets = true
  var declaredCount: UInt16?

  func bytes() -> [UInt8] {
    func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    var output = prefix
    var directory: [UInt8] = []
    for entry in entries {
      let offset = UInt32(output.count) - (shiftsOffsets ? 0 : UInt32(prefix.count))
      let sum = Deflate.crc32(ByteSlice(entry.data))
      let size = entry.size ?? UInt32(entry.data.count)
      let localName = Array((entry.localName ?? entry.name).utf8)
      output += [0x50, 0x4B, 3, 4, 20, 0] + little(entry.flags) + little(entry.localMethod ?? entry.method)
      output +=
        [0, 0, 0, 0] + little(sum) + little(UInt32(entry.data.count)) + little(entry.localSize ?? size)
      output += little(UInt16(localName.count)) + [0, 0] + localName + entry.data
      let name = Array(entry.name.utf8)
      directory +=
        [0x50, 0x4B, 1, 2, 20, 3, 20, 0] + little(entry.flags) + little(entry.method) + [0, 0, 0, 0]
      directory += little(sum) + little(UInt32(entry.data.count)) + little(size) + little(UInt16(name.count))
      directory +=
        [0, 0, 0, 0, 0, 0, 0, 0] + little(entry.attributes) + little(entry.headerOffset ?? offset) + name
    }
    let start = UInt32(output.count) - (shiftsOffsets ? 0 : UInt32(prefix.count))
    let count = declaredCount ?? UInt16(entries.count)
    output += directory + [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + little(count) + little(count)
    output += little(UInt32(directory.count)) + little(start) + [0, 0]
    return output + suffix
  }
}

@Suite struct ZipArchiveTests {
  private func kinds(_ maker: ZipMaker) throws -> [ZipAnomaly.Kind] {
    try ZipArchive(ByteSlice(maker.bytes())).anomalies.map(\.kind)
  }

  private let hello = ZipMaker.Entry(name: "a/hello", data: Array("hello".utf8))

  @Test func readsWhatPythonWrites() throws {
    let bytes = try ByteSlice(mappingFile: fixtures + "/mixed.zip")
    let archive = try ZipArchive(bytes)
    #expect(archive.members.map(\.name) == ["stored.txt", "deflated.txt", "wide.txt"])
    #expect(archive.anomalies.isEmpty)
    let text = String(repeating: "hello ", count: 100)
    for name in ["stored.txt", "deflated.txt"] {
      let member = try #require(archive.member(named: name))
      #expect(try archive.contents(of: member).utf8String == text)
      #expect(try archive.verify(member) == nil)
    }
    let wide = try #require(archive.member(named: "wide.txt"))
    #expect(try archive.contents(of: wide).utf8String == "zip64")
    let stored = try archive.contents(of: try #require(archive.member(named: "stored.txt")))
    #expect(stored.offset > 0 && stored.offset < bytes.count)
    for file in ["state.pt", "module.pt", "script.pt", "arrays.npz"] {
      let archive = try ZipArchive(try ByteSlice(mappingFile: fixtures + "/" + file))
      #expect(archive.anomalies.isEmpty, "\(file): \(archive.anomalies)")
      for member in archive.members { #expect(try archive.verify(member) == nil) }
    }
  }

  @Test func notesAnomalies() throws {
    #expect(try kinds(ZipMaker(entries: [hello])).isEmpty)
    #expect(try kinds(ZipMaker(entries: [hello], prefix: [1, 2, 3])) == [.prefixData])
    #expect(try kinds(ZipMaker(entries: [hello], prefix: [1, 2, 3], shiftsOffsets: false)) == [.prefixData])
    #expect(try kinds(ZipMaker(entries: [hello], suffix: [1, 2, 3])) == [.trailingData])
    #expect(try kinds(ZipMaker(entries: [hello, hello])) == [.duplicateName])
    #expect(try kinds(ZipMaker(entries: [hello], declaredCount: 2)) == [.entryCountDisagrees])
    func one(_ change: (inout ZipMaker.Entry) -> Void) throws -> [ZipAnomaly.Kind] {
      var entry = hello
      change(&entry)
      return try kinds(ZipMaker(entries: [entry]))
    }
    #expect(try one { $0.name = "../../etc/passwd" } == [.pathTraversal])
    #expect(try one { $0.name = "a\\..\\b" } == [.pathTraversal])
    #expect(try one { $0.name = "/etc/passwd" } == [.absolutePath])
    #expect(try one { $0.name = "C:/x" } == [.absolutePath])
    #expect(try one { $0.name = "a\u{0}b" } == [.oddName])
    #expect(try one { $0.attributes = 0o120777 << 16 } == [.symbolicLink])
    #expect(try one { $0.flags = 1 } == [.encrypted])
    #expect(try one { $0.method = 99 } == [.unknownMethod])
    #expect(try one { $0.localName = "b/hello" } == [.localHeaderDisagrees])
    #expect(try one { $0.localMethod = 8 } == [.localHeaderDisagrees])
    #expect(try one { $0.localSize = 4 } == [.localHeaderDisagrees])
    #expect(try one { $0.headerOffset = 7 }.contains(.localHeaderInvalid))
    var second = hello
    second.name = "b"
    second.headerOffset = 0
    #expect(try kinds(ZipMaker(entries: [hello, second])).contains(.overlappingMembers))
    let twice = ZipMaker(entries: [hello]).bytes()
    #expect(try ZipArchive(ByteSlice(twice + twice)).anomalies.contains { $0.kind == .severalEndRecords })
  }

  @Test func checksSumsWhenAsked() throws {
    var bytes = ZipMaker(entries: [hello]).bytes()
    bytes[30 + 7] ^= 1
    let archive = try ZipArchive(ByteSlice(bytes))
    #expect(archive.anomalies.isEmpty)
    #expect(try archive.verify(archive.members[0])?.kind == .checksumMismatch)
  }

  @Test func boundsDecompression() throws {
    // Declares more than deflate can expand to, or more than the caller allows, or less than there is.
    func code(size: UInt32, limit: Int = 1 << 30) throws -> ScopeError.Code? {
      // 'a' x 1000 begins so.
      let deflated: [UInt8] = [0x4B, 0x4C, 0x1C, 0x05, 0xA3, 0x60, 0x14, 0x0C, 0x77, 0x00, 0x00]
      let entry = ZipMaker.Entry(name: "a", data: deflated, method: 8, size: size)
      let archive = try ZipArchive(ByteSlice(ZipMaker(entries: [entry]).bytes()))
      do throws(ScopeError) {
        _ = try archive.contents(of: archive.members[0], limit: limit)
        return nil
      } catch { return error.code }
    }
    #expect(try code(size: 0xFFFF_FF00, limit: 1 << 40) == .limitExceeded)
    #expect(try code(size: 1000, limit: 10) == .limitExceeded)
    #expect(try code(size: 1) == .malformed)
  }

  @Test func refusesBrokenDirectories() throws {
    func code(_ bytes: [UInt8]) -> ScopeError.Code? {
      do throws(ScopeError) {
        _ = try ZipArchive(ByteSlice(bytes))
        return nil
      } catch { return error.code }
    }
    #expect(code([]) == .truncated)
    #expect(code([0x50, 0x4B, 3, 4]) == .truncated)
    var bytes = ZipMaker(entries: [hello]).bytes()
    let end = bytes.count - 22
    for index in 12..<20 { bytes[end + index] = 0xF0 }
    #expect(code(bytes) == .malformed)
  }

  @Test(arguments: ["mixed.zip", "arrays.npz", "list.pt"]) func survivesDamage(_ name: String) throws {
    let bytes = try ByteSlice(mappingFile: fixtures + "/" + name).array
    func touch(_ bytes: [UInt8]) {
      guard let archive = try? ZipArchive(ByteSlice(bytes)) else { return }
      for member in archive.members { _ = try? archive.verify(member, limit: 1 << 20) }
    }
    for length in 0..<bytes.count { touch(Array(bytes[..<length])) }
    for position in bytes.indices {
      for bit in 0..<8 {
        var flipped = bytes
        flipped[position] ^= 1 << bit
        touch(flipped)
      }
    }
  }
}
