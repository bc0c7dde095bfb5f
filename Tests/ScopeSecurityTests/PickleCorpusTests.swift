import Foundation
import ScopeBytes
import ScopeSecurity
import TestSupport
import Testing

/// The corpus of the pickle family (`Tests/Fixtures/make_malicious_pickles.py`): attacks by class, and what real
/// libraries write. That all of the bad are unsafe and all of the good are safe is tested with every other family.
@Suite struct PickleCorpusTests {
  static func verdict(_ kind: String, _ file: String) throws -> FileVerdict {
    try SecurityScanner().scan(file: Fixture.path("malicious/pickles/\(kind)/\(file)"))
  }

  @Test func theCorpusIsThere() {
    #expect(Corpus.files("bad", family: "pickles").count >= 480)
    #expect(Corpus.files("good", family: "pickles").count >= 300)
  }

  /// Each rule fires on the file that was made for it.
  @Test(arguments: [
    ("newobj_ex_keywords.pkl", "PKL001"), ("build_slots_state.pkl", "PKL001"),
    ("build_state_of_pairs.pkl", "PKL001"),
    ("build_state_ordered.pkl", "PKL001"), ("build_extend.pkl", "PKL001"), ("build_add.pkl", "PKL001"),
    ("partial_keywords.pkl", "PKL001"), ("sorted_key.pkl", "PKL001"), ("iter_sentinel.pkl", "PKL001"),
    ("groupby.pkl", "PKL001"), ("re_sub_function.pkl", "PKL001"), ("weakref_callback.pkl", "PKL001"),
    ("method_type.pkl", "PKL001"), ("classmethod_walk.pkl", "PKL001"), ("type_with_del.pkl", "PKL001"),
    ("newobj_ex_copyreg.pkl", "PKL001"), ("deep_helpers.pkl", "PKL011"), ("getattr_chain.pkl", "PKL003"),
    ("underscore_operator.pkl", "PKL001"), ("vars_of_module.pkl", "PKL001"),
    ("dict_get_modules.pkl", "PKL001"),
    ("long_with_zero.pkl", "PKL001"), ("float_with_zero.pkl", "PKL001"), ("get_with_zero.pkl", "PKL001"),
    ("no_stop.pkl", "PKL012"), ("underflow_after_call.pkl", "PKL012"),
    ("memo_missing_after_call.pkl", "PKL012"),
    ("missing_memo_before_call.pkl", "PKL001"), ("bad_number_before_call.pkl", "PKL001"),
    ("operator_dunder_call.pkl", "PKL006"), ("getattr_default.pkl", "PKL006"), ("metaclass.pkl", "PKL006"),
    ("computed_arguments.pkl", "PKL003"), ("module_forward.pkl", "PKL006"),
    ("function_transformer.pkl", "PKL007"),
    ("defaultdict_unknown.pkl", "PKL011"), ("operator_dunder_setitem.pkl", "PKL017"),
    ("max_key_socket.pkl", "PKL006"), ("map_lazy_any.pkl", "PKL006"), ("itertools_imap.pkl", "PKL006"),
    ("nlargest_key.pkl", "PKL006"), ("getitem_of_list.pkl", "PKL006"), ("next_of_list.pkl", "PKL006"),
    ("defaultdict_network.pkl", "PKL006"), ("map_lazy_deque.pkl", "PKL007"), ("starmap_many.pkl", "PKL007"),
    ("map_call_filled_later.pkl", "PKL001"), ("long_list_item.pkl", "PKL011"),
    ("persistent_callee.pkl", "PKL011"),
    ("stack_global_bytes.pkl", "PKL011"), ("getattr_format_name.pkl", "PKL010"),
    ("getattr_base64_name.pkl", "PKL010"),
    ("code_of_function.pkl", "PKL010"), ("map_unknown.pkl", "PKL009"), ("call_an_object.pkl", "PKL009"),
    ("build_unknown_hook.pkl", "PKL009"), ("reconstructor_base.pkl", "PKL009"),
    ("unknown_hidden_behind_twenty.pkl", "PKL009"), ("code_names.pkl", "PKL004"),
    ("type_of_three.pkl", "PKL004"),
    ("dill_create_code_called.pkl", "PKL004"), ("loads_base64.pkl", "PKL001"),
    ("load_from_computed_bytes.pkl", "PKL005"),
    ("load_from_base64_bytes.pkl", "PKL001"), ("load_from_latin1.pkl", "PKL001"),
    ("load_from_bytes_behind_hundred.pkl", "PKL001"),
    ("call_ctypes.CDLL.pkl", "PKL008"),
    ("call_pkgutil.resolve_name.pkl", "PKL002"), ("third_stream.pickle", "PKL013"),
    ("nested_bytearray.pkl", "PKL014"),
    ("ext4.pkl", "PKL015"), ("pow_bomb.pkl", "PKL016"), ("sys_path_append.pkl", "PKL017"),
    ("environ_set.pkl", "PKL017"), ("registry_set.pkl", "PKL017"), ("modules_setitem.pkl", "PKL017"),
    ("modules_update.pkl", "PKL017"), ("update_wrapper.pkl", "PKL017"),
    ("build_on_unknown_class.pkl", "PKL017"),
    ("protocol_9.pkl", "PKL018"), ("frame_too_long.pkl", "PKL018"), ("torch_zip_picture.pt", "PT001"),
    ("legacy_sysinfo.pt", "PT002"), ("stable_baselines.zip", "PKL001"), ("storage_too_small.pt", "PT003"),
    ("torchscript_from_file.pt", "PT004"),
    ("torchscript_spaced.pt", "PT004"),
    ("torchscript_python_op.pt", "PT004"), ("package_os_system.pt", "PT004"), ("package_alias.pt", "PT004"),
    ("package_exec.pt", "PT004"), ("package_socket.pt", "PT004"), ("tar_storages.tar", "PT005"),
    ("structured_object.npy", "NP001"), ("joblib_after_array.joblib", "JL001"),
    ("joblib_after_array_p0.joblib", "JL001"), ("joblib_after_array_p5.joblib", "JL001"),
    ("joblib_object_array.joblib", "JL001"), ("joblib_numbers_are_opcodes.joblib", "JL001"),
    ("joblib_outside_file.joblib", "JL001"), ("skops_type.skops", "SKP001"),
    ("skops_function.skops", "SKP001"),
    ("skops_operator.skops", "SKP001"), ("skops_method.skops", "SKP001"), ("magic_gguf.gguf", "ARC007"),
    ("magic_tar.tar", "ARC007"),
  ])
  func theRuleMadeForItFires(_ file: String, _ rule: String) throws {
    let verdict = try Self.verdict("bad", file)
    #expect(
      verdict.findings.contains { $0.rule == rule && $0.severity >= .medium },
      "\(file): \(verdict.findings.map { "\($0.rule) \($0.severity) \($0.evidence)" })")
  }

  /// Every rule of the family has files on which it is serious and files on which it says at most something low.
  @Test func everyRuleHasPositiveFixtures() throws {
    var serious: Set<String> = []
    for path in Corpus.files("bad", family: "pickles") + Corpus.files("bad", family: "core") {
      let verdict = try SecurityScanner().scan(file: path)
      serious.formUnion(verdict.findings.filter { $0.severity >= .medium }.map(\.rule))
    }
    let wanted =
      (1...18).map { "PKL0" + ($0 < 10 ? "0\($0)" : "\($0)") } + (1...5).map { "PT00\($0)" } + [
        "NP001", "JL001", "SKP001",
      ]
    for rule in wanted { #expect(serious.contains(rule), "\(rule)") }
  }

  /// joblib files are read to their end, so that an evil array does not hide behind an honest one.
  @Test(arguments: [
    "joblib_0.joblib", "joblib_1.joblib", "joblib_2.joblib", "joblib_4.joblib", "joblib_5.joblib",
  ])
  func joblibFilesAreReadToTheirEnd(_ file: String) throws {
    let verdict = try Self.verdict("good", file)
    #expect(verdict.format == "joblib")
    #expect(verdict.verdict == .safe && verdict.unexamined.isEmpty, "\(verdict)")
  }

  @Test func theEvidenceNamesTheRoute() throws {
    let verdict = try Self.verdict("bad", "iter_sentinel.pkl")
    let finding = try #require(verdict.findings.first { $0.rule == "PKL001" })
    #expect(finding.evidence.contains("os.system"))
    #expect(finding.evidence.contains("builtins.iter"))
    #expect(finding.evidence.contains("functools.partial"))
  }
}
