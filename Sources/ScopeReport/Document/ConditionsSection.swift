/// Section 8: machine, engine, versions, data, seeds, what was not measured and how to measure it.
enum ConditionsSection {
  static func blocks(_ report: Report) -> [Document.Block] {
    let conditions = report.conditions
    let machine = conditions.machine
    var rows: [Document.Row] = []
    func add(_ name: String, _ value: String, _ detail: String = "") {
      rows.append(Document.Row(name: name, value: value, detail: detail, interpretation: ""))
    }
    let hardware = [
      Format.plural(machine.cores, "core"),
      machine.memoryBytes.map { "\(Format.binaryBytes(Double($0))) memory" },
      machine.instructionSets.isEmpty ? nil : machine.instructionSets.joined(separator: " "),
      machine.isVirtual == true ? "virtual machine" : nil,
      machine.cpuLimit.map { "limited to \(Format.significant($0)) cores" },
      machine.frequencyGovernor.map { "frequency governor \($0)" },
      machine.fingerprint.map { "fingerprint \($0)" },
    ].compactMap { $0 }.joined(separator: ", ")
    add("Machine", machine.cpu, hardware)
    add("Operating system", machine.operatingSystem)
    if let engine = conditions.engine {
      add(
        "Engine", "\(engine.name) \(engine.version)",
        [engine.provider, engine.path].compactMap { $0 }.joined(separator: ", "))
    } else {
      add("Engine", "none", "Nothing was executed")
    }
    if let threads = conditions.threads { add("Threads", String(threads)) }
    add(
      "Tool", "\(conditions.tool.name) \(conditions.tool.version)",
      conditions.command.map { "run as: \($0)" } ?? "")
    add("Date", conditions.date, conditions.durationSeconds.map { "took \(Format.seconds($0))" } ?? "")
    add("Model file", report.model.path, report.model.sha256.map { "SHA-256 \($0)" } ?? "")
    if let data = conditions.data {
      add(
        "Data", data.path,
        "\(Format.plural(data.images, "image")), \(Format.plural(data.classes, "class", "classes"))")
      add("Preprocessing", data.preprocessing, data.preprocessingSource ?? "")
      if data.skippedCount > 0 {
        let named = data.skipped.prefix(5).map { "\($0.file) (\($0.reason))" }.joined(separator: "; ")
        add("Skipped files", Format.integer(data.skippedCount), named)
      }
    } else {
      add("Data", "none", "Accuracy, quantization and robustness need --data")
    }
    if !conditions.seeds.isEmpty {
      add("Seeds", conditions.seeds.map { "\($0.purpose) \($0.value)" }.joined(separator: ", "))
    }
    var blocks: [Document.Block] = [.rows(rows)]
    if !conditions.warnings.isEmpty {
      blocks.append(.heading("Read with care"))
      blocks += conditions.warnings.map { .paragraph($0) }
    }
    if !report.notMeasured.isEmpty {
      blocks.append(.heading("Not measured"))
      blocks.append(.notMeasured(report.notMeasured))
    }
    return blocks
  }
}
