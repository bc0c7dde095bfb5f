/// TF002: Reads or writes files of its own choice. Operators that read or write files whose path is a constant of the
/// graph (followed through functions and text operators), assets outside the assets folder, prints and debug operators
/// that write to files or servers. A path that whoever runs the model supplies is low; saving and restoring variables
/// and reading vocabularies from assets is normal.
enum TF002: TensorFlowRule {
  static let description = RuleDescription(
    id: "TF002", severity: .high, title: "Reads or writes files of its own choice",
    detects: "Operators that read or write files whose path is a constant of the graph (followed through "
      + "functions and text operators), assets outside the assets folder, prints and debug operators "
      + "that write to files or servers. A path that whoever runs the model supplies is low; saving "
      + "and restoring variables and reading vocabularies from assets is normal.",
    why: "Graphs run without Python, but with the rights of the process: WriteFile can plant a program, "
      + "ReadFile can fetch secrets into an output.",
    example: "WriteFile(Const \"/root/.bashrc\", Const \"...\")",
    mitigation: "Do not run this model outside a sandbox; ask what the files are for.",
    references: ["CWE-73", "CWE-22", "AML.T0011.000"])

  static func findings(in model: TensorFlowSubject) -> [Finding] {
    var findings: [Finding] = []
    for asset in model.assets {
      guard let reason = ExternalLocation.escape(asset.file) else { continue }
      findings.append(
        finding(
          "the asset \"\(shown(asset.file))\" \(reason)", title: "Asset outside the assets folder",
          place: FindingPlace(member: model.member)))
    }
    for (number, scope) in model.scopes.enumerated() {
      for node in scope.nodes {
        guard findings.count < 64 else { return findings }
        if let found = attributeFinding(node, model) { findings.append(found) }
        guard let kind = FileOperator.all[node.type] else { continue }
        if let found = judge(node, kind, scope: number, in: model) { findings.append(found) }
      }
    }
    return findings
  }

  private static func shown(_ text: String) -> String { PickleAnalysis.printable(String(text.prefix(160))) }

  private static func judge(
    _ node: TensorFlowSubject.Node, _ kind: FileOperator, scope: Int, in model: TensorFlowSubject
  ) -> Finding? {
    let place = model.place(node)
    if case .connects = kind.use {
      return finding("operator \(node.type)", title: "Connects to other machines", place: place)
    }
    var trace = PathTrace(model)
    for input in kind.inputs { trace.follow(node, input: input, scope: scope) }
    let constants = trace.constants.filter { !$0.isEmpty }
    let escaping = constants.first { ExternalLocation.escape($0) != nil || $0.hasPrefix("~") }
    let isWhole = !trace.isSupplied && !trace.isComputed && !trace.isAsset
    let text = constants.prefix(3).map { "\"\(shown($0))\"" }.joined(separator: " and ")
    switch kind.use {
    case .checkpoint:
      guard isWhole, escaping != nil else { return nil }
      return finding("\(node.type) of \(text)", place: place)
    case .vocabulary:
      guard !trace.isAsset, !constants.isEmpty else { return nil }
      if escaping != nil { return finding("\(node.type) of \(text)", place: place) }
      return finding(
        "\(node.type) of \(text)", title: "Reads a vocabulary beside the model", severity: .low, place: place)
    case .reads, .writes:
      // CacheDataset and its kin with an empty path keep the data in memory.
      if isWhole, constants.isEmpty { return nil }
      if isWhole || escaping != nil { return finding("\(node.type) of \(text)", place: place) }
      if trace.isSupplied || trace.isAsset {
        return finding(
          "\(node.type) of a path that the caller gives",
          title: "Reads or writes a file that the caller names",
          severity: .low, place: place,
          why: "Whoever controls the model's input controls which file is used.")
      }
      return finding(
        "\(node.type) of a path that the graph computes", severity: .medium, place: place)
    case .connects: return nil
    }
  }

  private static func attributeFinding(
    _ node: TensorFlowSubject.Node, _ model: TensorFlowSubject
  ) -> Finding? {
    for (key, value) in node.texts {
      let isTarget: Bool
      switch (node.type, key) {
      case ("PrintV2", "output_stream"): isTarget = value.hasPrefix("file://")
      case (_, "debug_urls"): isTarget = !value.isEmpty
      case ("ImmutableConst", "memory_region_name"): isTarget = !value.hasPrefix("memmapped_package://")
      case ("DecodeProtoV2", "descriptor_source"), ("EncodeProto", "descriptor_source"):
        isTarget = !value.isEmpty && !value.hasPrefix("local://") && !value.hasPrefix("bytes://")
      case ("Skipgram", "filename"): isTarget = true
      default: isTarget = false
      }
      if isTarget { return finding("\(node.type) with \(key) \"\(shown(value))\"", place: model.place(node)) }
    }
    return nil
  }
}
