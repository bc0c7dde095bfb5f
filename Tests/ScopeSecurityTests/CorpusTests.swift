import Foundation
import ScopeBytes
import ScopeSecurity
import TestSupport
import Testing

/// The corpus: `malicious/FAMILY/{bad,good}`, each family written by a `Tests/Fixtures/make_malicious*.py`.
enum Corpus {
  /// The files that are `bad` or `good`, of one family or of all.
  static func files(_ kind: String, family: String? = nil) -> [String] {
    let families = family.map { [$0] } ?? entries("malicious")
    return families.flatMap { family in
      entries("malicious/\(family)/\(kind)").map { Fixture.path("malicious/\(family)/\(kind)/\($0)") }
    }
  }

  private static func entries(_ folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: Fixture.path(folder))) ?? []).sorted()
  }

  static func name(_ path: String) -> String { String(path.split(separator: "/").last ?? "") }

  static func rules(_ verdict: FileVerdict) -> Set<String> { Set(verdict.findings.map(\.rule)) }
}

@Suite struct CorpusTests {
  @Test func theCorpusIsThere() {
    #expect(Corpus.files("bad").count >= 130)
    #expect(Corpus.files("good").count >= 130)
  }

  @Test func everyMaliciousFileIsUnsafe() throws {
    for path in Corpus.files("bad") {
      let verdict = try SecurityScanner().scan(file: path)
      #expect(verdict.verdict == .unsafe, "\(Corpus.name(path)): \(verdict.findings)")
    }
  }

  @Test func everyBenignFileIsSafe() throws {
    for path in Corpus.files("good") where !path.hasSuffix("external.bin") {
      let verdict = try SecurityScanner().scan(file: path)
      #expect(verdict.verdict == .safe, "\(Corpus.name(path)): \(verdict.findings) \(verdict.unexamined)")
    }
  }

  /// Each rule is raised by the file made for it, so that detection is for the right reason.
  @Test(arguments: [
    ("reduce_stack_global.pkl", "PKL001"), ("inst.pkl", "PKL001"), ("obj.pkl", "PKL001"),
    ("newobj.pkl", "PKL001"),
    ("newobj_ex.pkl", "PKL001"), ("build_setstate.pkl", "PKL001"), ("build_append.pkl", "PKL001"),
    ("memo_names.pkl", "PKL001"), ("memo_overwrite.pkl", "PKL001"), ("map.pkl", "PKL001"),
    ("partial.pkl", "PKL001"),
    ("methodcaller.pkl", "PKL001"), ("attrgetter.pkl", "PKL001"), ("functools_reduce.pkl", "PKL010"),
    ("import_module.pkl", "PKL002"), ("pkgutil_resolve.pkl", "PKL002"), ("pydoc_locate.pkl", "PKL002"),
    ("import_module.pkl", "PKL001"), ("reexport_torch.pkl", "PKL003"), ("reexport_private.pkl", "PKL003"),
    ("marshal.pkl", "PKL004"), ("codetype.pkl", "PKL004"), ("pickle_loads.pkl", "PKL005"),
    ("torch_load.pkl", "PKL005"),
    ("load_from_bytes.pkl", "PKL001"), ("urlopen.pkl", "PKL006"), ("open.pkl", "PKL007"),
    ("path_write.pkl", "PKL007"),
    ("ctypes.pkl", "PKL008"), ("load_library.pkl", "PKL008"), ("unknown_function.pkl", "PKL009"),
    ("partial_kept.pkl", "PKL010"), ("subclasses.pkl", "PKL010"), ("getattr_computed.pkl", "PKL010"),
    ("stack_global_computed.pkl", "PKL011"), ("stack_global_number.pkl", "PKL011"),
    ("broken_after_call.pkl", "PKL012"), ("truncated_after_call.pkl", "PKL012"),
    ("second_stream.pkl", "PKL013"),
    ("junk_after_stop.pkl", "PKL013"), ("nested_pickle.pkl", "PKL014"), ("ext_opcode.pkl", "PKL015"),
    ("huge_memo.pkl", "PKL016"), ("hash_bomb.pkl", "PKL016"), ("bytearray_bomb.pkl", "PKL016"),
    ("sys_modules_set.pkl", "PKL017"), ("setattr.pkl", "PKL017"), ("build_on_class.pkl", "PKL017"),
    ("double_proto.pkl", "PKL018"), ("late_proto.pkl", "PKL018"), ("torch_zip_other_member.pt", "PT001"),
    ("torch_zip_storage_pickle.pt", "PT001"), ("legacy_forged_magic.pt", "PT002"),
    ("view_out_of_bounds.pt", "PT003"),
    ("torchscript_save.pt", "PT004"), ("old_checkpoint.tar", "PT005"), ("object.npy", "NP001"),
    ("object.npz", "NP001"),
    ("torch_zip_local_name.pt", "ARC001"), ("torch_zip_encrypted_flag.pt", "ARC002"),
    ("torch_zip_crc.pt", "ARC002"),
    ("torch_zip_duplicate.pt", "ARC003"), ("torch_zip_traversal.pt", "ARC004"),
    ("polyglot_pickle_zip.pt", "ARC007"),
    ("weights.safetensors", "ARC008"), ("image.png", "ARC008"), ("torch_zip_executable.pt", "ARC009"),
    ("ext_traversal.onnx", "ONX001"), ("ext_absolute.onnx", "ONX001"), ("ext_attribute.onnx", "ONX001"),
    ("ext_subgraph.onnx", "ONX001"), ("ext_negative.onnx", "ONX002"), ("ext_length.onnx", "ONX002"),
    ("pyop.onnx", "ONX003"), ("unknown_domain.onnx", "ONX004"), ("dims_overflow.onnx", "ONX006"),
    ("negative_dims.onnx", "ONX006"), ("st_out_of_range.safetensors", "ST001"),
    ("st_overlap.safetensors", "ST001"),
    ("st_hole.safetensors", "ST001"), ("st_length.safetensors", "ST001"),
    ("st_duplicate.safetensors", "ST002"),
    ("st_padding.safetensors", "ST002"), ("st_metadata.safetensors", "ST003"),
  ])
  func theRuleMadeForItFires(_ file: String, _ rule: String) throws {
    let verdict = try SecurityScanner().scan(file: Fixture.path("malicious/core/bad/\(file)"))
    #expect(
      Corpus.rules(verdict).contains(rule), "\(file): \(verdict.findings.map { "\($0.rule) \($0.evidence)" })"
    )
  }

  @Test func theAcceptanceBytes() throws {
    let call: [UInt8] =
      [0x80, 4, 0x8C, 2] + Array("os".utf8) + [0x8C, 6] + Array("system".utf8) + [0x93, 0x8C, 4]
      + Array("echo".utf8) + [0x85, 0x52, 0x2E]
    let verdict = SecurityScanner().scan(ByteSlice(call), path: "call.pkl")
    #expect(verdict.verdict == .unsafe)
    let finding = try #require(verdict.findings.first)
    #expect(finding.rule == "PKL001")
    #expect(finding.severity == .critical)
    #expect(finding.evidence.contains("os.system('echo')"))
    #expect(finding.place?.offset == call.count - 2)
    #expect(finding.place?.opcode == "REDUCE")
  }

  @Test(.enabled(if: SharedData.folder != nil, Comment(rawValue: SharedData.reason)))
  func realCheckpointsAreSafe() throws {
    let folder = try #require(SharedData.path("models"))
    let verdicts = try SecurityScanner().scan(path: folder)
    #expect(!verdicts.isEmpty)
    for verdict in verdicts { #expect(verdict.verdict == .safe, "\(verdict)") }
  }
}
