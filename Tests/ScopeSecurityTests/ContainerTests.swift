import Foundation
import ScopeBytes
import ScopeSecurity
import TestSupport
import Testing

/// Archives, compressed streams and polyglots: the fixtures of `make_malicious_containers.py`.
@Suite struct ContainerTests {
  @Test(arguments: [
    ("local_size.pt", "ARC001"), ("local_method.pt", "ARC001"), ("local_crc.pt", "ARC001"),
    ("local_encrypted.pt", "ARC001"), ("local_other_name.pt", "ARC001"), ("declared_shorter.pt", "ARC001"),
    ("declared_shorter.pt", "PKL001"), ("stored_two_sizes.pt", "ARC001"), ("stored_two_sizes.pt", "PKL001"),
    ("unicode_path.zip", "ARC001"), ("unicode_path.zip", "ARC004"), ("hidden_member.zip", "ARC001"),
    ("hidden_member.zip", "PKL001"), ("folder_with_data.zip", "ARC001"), ("folder_with_data.zip", "PKL001"),
    ("nul_name.zip", "ARC001"), ("overlap.zip", "ARC001"), ("folder_with_size.tar", "ARC001"),
    ("folder_with_size.tar", "PKL001"),
    ("false_encryption_deflated.pt", "ARC002"), ("false_encryption_deflated.pt", "PKL001"),
    ("wrong_crc.pt", "ARC002"), ("unknown_method.zip", "ARC002"),
    ("two_archives.pt", "ARC007"), ("second_in_comment.pt", "ARC003"), ("second_in_comment.pt", "PKL001"),
    ("declared_and_computed.pt", "ARC003"), ("declared_and_computed.pt", "PKL001"),
    ("zip64_disagrees.pt", "ARC003"), ("zip64_disagrees.pt", "PKL001"), ("entry_count.pt", "ARC003"),
    ("case_duplicate.pt", "ARC003"), ("case_duplicate_inert.pt", "ARC003"), ("slash_duplicate.zip", "ARC003"),
    ("device_member.zip", "ARC004"), ("link_member.zip", "ARC004"), ("name_dots.zip", "ARC004"),
    ("name_absolute.zip", "ARC004"), ("name_backslash.zip", "ARC004"), ("name_drive.zip", "ARC004"),
    ("name_unc.zip", "ARC004"), ("traversal.7z", "ARC004"), ("traversal.tar", "ARC004"),
    ("absolute.tar", "ARC004"), ("symlink.tar", "ARC004"), ("symlink_absolute.tar", "ARC004"),
    ("hardlink.tar", "ARC004"), ("device.tar", "ARC004"), ("fifo.tar", "ARC004"),
    ("pax_traversal.tar", "ARC004"), ("nested_bomb.gz", "ARC005"),
    ("polyglot_png_zip.zip", "ARC007"), ("polyglot_gif_zip.zip", "ARC007"),
    ("polyglot_pdf_zip.zip", "ARC007"),
    ("polyglot_html_zip.zip", "ARC007"), ("polyglot_elf_zip.zip", "ARC007"),
    ("polyglot_shell_zip.zip", "ARC007"), ("polyglot_zip_pickle.zip", "ARC007"),
    ("polyglot_zip_pickle.zip", "PKL001"), ("pickle_in_comment.pt", "ARC007"),
    ("pickle_in_comment.pt", "PKL001"),
    ("npy_then_pickle.npy", "ARC007"), ("npy_then_pickle.npy", "PKL001"), ("npy_then_zip.npy", "ARC007"),
    ("npy_then_program.npy", "ARC007"), ("safetensors_then_zip.safetensors", "ARC007"),
    ("safetensors_then_pickle.safetensors", "ST001"), ("concatenated.tar", "ARC007"),
    ("concatenated.tar", "PKL001"), ("pickle_after_end.tar", "ARC007"), ("tar_then_zip.tar", "ARC007"),
    ("trailing_pickle.gz", "ARC007"), ("trailing_pickle.xz", "ARC007"), ("trailing_pickle.bz2", "ARC007"),
    ("trailing_pickle.lz4", "ARC007"), ("trailing_pickle.zst", "ARC007"),
    ("pickle_as.safetensors", "ARC008"), ("pickle_as.npy", "ARC008"), ("pickle_as.onnx", "ARC008"),
    ("pickle_as.gguf", "ARC008"), ("pickle_as.json", "ARC008"), ("torch_as.onnx", "ARC008"),
    ("program_elf.pt", "ARC009"), ("program_pe.pt", "ARC009"), ("program_macho.pt", "ARC009"),
    ("program_class.pt", "ARC009"), ("program_wasm.pt", "ARC009"), ("program_dex.pt", "ARC009"),
    ("program_pyc.pt", "ARC009"), ("program_script.pt", "ARC009"), ("program_spaced_script.pt", "ARC009"),
    ("program_lnk.pt", "ARC009"), ("program_in_jar.zip", "ARC009"), ("program.tar", "ARC009"),
    ("executable.7z", "ARC009"), ("weights.bin", "ARC009"), ("tool.h5", "ARC009"),
    ("evil.pkl.gz", "PKL001"), ("evil.pkl.bz2", "PKL001"), ("evil.pkl.xz", "PKL001"),
    ("evil.pkl.lzma", "PKL001"), ("evil.pkl.lz4", "PKL001"), ("evil.pkl.zst", "PKL001"),
    ("evil.pkl.zz", "PKL001"), ("evil.7z", "PKL001"), ("other_properties.lzma", "PKL001"),
    ("small_window.zz", "PKL001"), ("gzip_in_bzip2.bz2", "PKL001"), ("zero_padded_member.gz", "PKL001"),
    ("wrong_checksum.gz", "PKL001"), ("bzip2.zip", "PKL001"), ("lzma.zip", "PKL001"),
    ("zstandard.zip", "PKL001"), ("xz.zip", "PKL001"), ("evil.tar.gz", "PKL001"), ("evil.tar.xz", "PKL001"),
    ("long_name_gnu.tar", "PKL001"), ("base_256_size.tar", "PKL001"),
    ("second_member.gz", "PKL001"), ("second_member.bz2", "PKL001"), ("second_member.xz", "PKL001"),
    ("second_member.lz4", "PKL001"), ("second_member.zst", "PKL001"), ("second_member.zz", "PKL001"),
    ("torchserve.mar", "REP001"), ("hydra.yaml", "REP001"), ("hydra.nemo", "REP001"), ("tags.yaml", "REP001"),
    ("startup.pth", "REP001"), ("handler.py", "REP001"), ("runner.py", "REP001"),
  ])
  func theRuleMadeForItFires(_ file: String, _ rule: String) throws {
    let verdict = try SecurityScanner().scan(file: Fixture.path("malicious/containers/bad/\(file)"))
    #expect(
      Corpus.rules(verdict).contains(rule), "\(file): \(verdict.findings.map { "\($0.rule) \($0.evidence)" })"
    )
  }

  @Test func whatCannotBeExaminedIsIncomplete() throws {
    let folder = Fixture.path("malicious/containers/incomplete")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(files.count >= 9)
    for file in files {
      let verdict = try SecurityScanner().scan(file: "\(folder)/\(file)")
      #expect(verdict.verdict == .incomplete, "\(file): \(verdict)")
      #expect(!verdict.unexamined.isEmpty)
    }
    let encrypted = try SecurityScanner().scan(file: "\(folder)/encrypted.zip")
    #expect(Corpus.rules(encrypted).contains("ARC006"))
    let sealed = try SecurityScanner().scan(file: "\(folder)/encrypted.7z")
    #expect(!sealed.findings.isEmpty)
    // Refused before memory is reserved for millions of folders.
    for file in ["folders.7z", "folders_encoded.7z"] {
      let claimed = try SecurityScanner().scan(file: "\(folder)/\(file)")
      #expect(claimed.unexamined.contains { $0.contains("63423540 in") }, "\(claimed.unexamined)")
    }
  }

  /// Zeros that expand beyond the limit: stopped there, named, and never safe.
  @Test func bombsAreNamedAndStopped() throws {
    var limits = ScanLimits()
    limits.expandedBytes = 1 << 20
    limits.ratio = 100
    let zeros = [UInt8](repeating: 0, count: 4 << 20)
    let bomb = Gzip.member(of: zeros)
    let verdict = SecurityScanner(limits: limits).scan(ByteSlice(bomb), path: "bomb.gz")
    #expect(verdict.verdict == .unsafe)
    #expect(Corpus.rules(verdict).contains("ARC005"))
    #expect(verdict.unexamined.contains { $0.contains("1048576 bytes") }, "\(verdict.unexamined)")
  }

  private enum Gzip {
    /// A gzip member of zeros, built by hand: fixed Huffman codes, one zero, then copies of 258 bytes at distance 1.
    static func member(of zeros: [UInt8]) -> [UInt8] {
      var bits = BitWriter()
      bits.write(1, 1)
      bits.write(1, 2)
      bits.writeReversed(0x30, 8)
      var left = zeros.count - 1
      while left >= 258 {
        // Symbol 285 is 258 bytes, code 11000101; distance code 0 is one byte back, five bits.
        bits.writeReversed(0xC5, 8)
        bits.writeReversed(0, 5)
        left -= 258
      }
      for _ in 0..<left { bits.writeReversed(0x30, 8) }
      bits.writeReversed(0, 7)
      let sum = Deflate.crc32(ByteSlice(zeros))
      var file: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + bits.bytes
      for value in [sum, UInt32(zeros.count)] {
        file += (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
      }
      return file
    }
  }

  private struct BitWriter {
    var bytes: [UInt8] = []
    private var used = 0

    mutating func write(_ value: Int, _ count: Int) {
      for index in 0..<count {
        if used % 8 == 0 { bytes.append(0) }
        bytes[bytes.count - 1] |= UInt8(value >> index & 1) << UInt8(used % 8)
        used += 1
      }
    }

    mutating func writeReversed(_ value: Int, _ count: Int) {
      for index in (0..<count).reversed() { write(value >> index & 1, 1) }
    }
  }
}

/// Folders as they lie on Hugging Face.
@Suite struct RepositoryTests {
  private func folders(_ kind: String) throws -> [String] {
    let root = Fixture.path("repositories/\(kind)")
    return try FileManager.default.contentsOfDirectory(atPath: root).sorted().map { "\(root)/\($0)" }
  }

  @Test func remoteCodeIsFound() throws {
    #expect(try folders("bad").count >= 16)
    for folder in try folders("bad") {
      let verdicts = try SecurityScanner().scan(path: folder)
      #expect(verdicts.contains { $0.verdict == .unsafe }, "\(folder): \(verdicts)")
      let rules = Set(verdicts.flatMap { $0.findings.map(\.rule) })
      let expected = folder.hasSuffix("odd_name") ? "PKL001" : "REP001"
      #expect(rules.contains(expected), "\(folder): \(rules)")
    }
  }

  @Test func ordinaryRepositoriesAreSafe() throws {
    for folder in try folders("good") {
      for verdict in try SecurityScanner().scan(path: folder) {
        #expect(verdict.verdict == .safe, "\(verdict)")
      }
    }
  }

  @Test func theOrderDoesNotDependOnTheJobs() throws {
    let one = try SecurityScanner().scan(path: Fixture.path("malicious"), jobs: 1)
    let many = try SecurityScanner().scan(path: Fixture.path("malicious"), jobs: 7)
    #expect(one == many)
    #expect(one.count > 300)
  }

  @Test func linksOutOfTheFolderAreFound() throws {
    let root = FileManager.default.temporaryDirectory.appending(path: "links-\(UUID())")
    defer { try? FileManager.default.removeItem(at: root) }
    let weights = Fixture.path("malicious/core/good/good.safetensors")
    for folder in ["repo", "cache/blobs", "cache/snapshots/main", "elsewhere"] {
      try FileManager.default.createDirectory(
        at: root.appending(path: folder), withIntermediateDirectories: true)
    }
    try FileManager.default.copyItem(atPath: weights, toPath: root.appending(path: "elsewhere/w").path())
    try FileManager.default.copyItem(atPath: weights, toPath: root.appending(path: "cache/blobs/abc").path())
    try FileManager.default.createSymbolicLink(
      atPath: root.appending(path: "repo/model.safetensors").path(), withDestinationPath: "../elsewhere/w")
    try FileManager.default.createSymbolicLink(
      atPath: root.appending(path: "cache/snapshots/main/model.safetensors").path(),
      withDestinationPath: "../../blobs/abc")
    let escaping = try SecurityScanner().scan(path: root.appending(path: "repo").path())
    #expect(escaping.contains { Corpus.rules($0).contains("ARC004") }, "\(escaping)")
    let cached = try SecurityScanner().scan(path: root.appending(path: "cache/snapshots/main").path())
    #expect(cached.allSatisfy { $0.verdict == .safe }, "\(cached)")
  }

  @Test func textsGivenDirectlyGetAVerdict() throws {
    let good = try SecurityScanner().scan(file: Fixture.path("repositories/good/transformers/config.json"))
    #expect(good.verdict == .safe, "\(good)")
    let broken = SecurityScanner().scan(ByteSlice(Array("{\"auto_map\": ".utf8)), path: "config.json")
    #expect(broken.verdict == .incomplete)
    let pointer = SecurityScanner().scan(
      ByteSlice(Array("version https://git-lfs.github.com/spec/v1\n".utf8)), path: "model.bin")
    #expect(pointer.verdict == .incomplete)
    #expect(pointer.unexamined.first?.contains("git lfs pull") == true)
  }
}
