/// KER005: TorchModuleWrapper. A layer that holds a pickled torch module, which is unpickled as the model is loaded; the
/// pickle is scanned as well.
enum KER005: KerasRule {
  static let description = RuleDescription(
    id: "KER005", severity: .critical, title: "TorchModuleWrapper",
    detects: "A layer that holds a pickled torch module, which is unpickled as the model is loaded; the "
      + "pickle is scanned as well.",
    why: "Keras hands the bytes to torch.load with weights_only=False, whatever safe_mode says "
      + "(before 3.11.3).",
    example: "{\"module\": \"keras.layers\", \"class_name\": \"TorchModuleWrapper\", "
      + "\"config\": {\"module\": \"UEsDBAAA...\"}}",
    mitigation: "Do not load this file. Ask for the torch module's weights as safetensors.",
    references: ["CVE-2025-49655", "CWE-502", "AML.T0011.000"])

  static func findings(in model: KerasSubject) -> [Finding] {
    model.torchModules.prefix(16).map { module in
      finding(
        module.text.map { "\($0.utf8.count) characters of a pickled module" } ?? "a layer of this class",
        place: model.place(module.place))
    }
  }
}
