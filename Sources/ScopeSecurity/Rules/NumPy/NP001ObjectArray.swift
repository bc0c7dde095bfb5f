/// NP001: NumPy array of Python objects. The dtype of a .npy file or .npz member holds objects, so its data
/// is a pickle, which is scanned under the PKL rules. High when the pickle holds anything not known to be
/// harmless, otherwise low.
enum NP001: ReadingRule {
  static let description = RuleDescription(
    id: "NP001", severity: .high, title: "NumPy array of Python objects",
    detects: "The dtype of a .npy file or .npz member holds objects, so its data is a pickle, which is "
      + "scanned under the PKL rules. High when the pickle holds anything not known to be harmless, "
      + "otherwise low.",
    why: "numpy.load(allow_pickle=True) unpickles it.",
    example: "descr '|O'",
    mitigation: "Load with allow_pickle=False; store objects as JSON and numbers as numbers.",
    references: ["CWE-502"])

  static func objects(_ dtype: String, isDangerous: Bool, member: String?) -> Finding {
    finding(
      "dtype \(dtype) holds Python objects", severity: isDangerous ? .high : .low,
      place: FindingPlace(member: member))
  }
}
