import ScopeBytes

/// A CycloneDX 1.6 bill of materials (ECMA-424) of the scanned files: models with hash, format, licence and framework as
/// far as the files themselves say, and the findings as vulnerabilities. What is not known is absent.
public enum CycloneDXRenderer {
  public static func render(_ scan: SecurityScan, below folder: String? = nil) -> String {
    let frameworks = scan.files.flatMap(\.frameworks).reduce(into: [SecurityScan.Framework]()) {
      if !$0.contains($1) { $0.append($1) }
    }.sorted { ($0.name, $0.version ?? "") < ($1.name, $1.version ?? "") }
    let files = scan.files.sorted { $0.path < $1.path }
    let dependencies: [JSONTree] = files.map { file in
      .members([
        "ref": .text(reference(file, folder)),
        "dependsOn": .texts(file.frameworks.map { reference($0) }.sorted()),
      ])
    }
    return JSONTree.members([
      "$schema": .text("http://cyclonedx.org/schema/bom-1.6.schema.json"),
      "bomFormat": .text("CycloneDX"), "specVersion": .text("1.6"),
      "serialNumber": .text(serialNumber(files)), "version": .integer(1),
      "metadata": .members([
        "timestamp": scan.date.map { .text($0) },
        "tools": .members([
          "components": .array([
            .members([
              "type": .text("application"), "name": .text(scan.tool.name),
              "version": .text(scan.tool.version),
            ])
          ])
        ]),
      ]),
      "components": .array(files.map { component($0, folder) } + frameworks.map(component)),
      "dependencies": .array(dependencies),
      "vulnerabilities": .array(files.flatMap { vulnerabilities($0, folder) }),
    ]).document
  }

  /// A name-based UUID (RFC 9562, version 8) of the files' names and hashes: the same files have the same one.
  private static func serialNumber(_ files: [SecurityScan.File]) -> String {
    let text = files.map { "\($0.path)\n\($0.sha256 ?? "")" }.joined(separator: "\n")
    var digits = Array(ByteSlice(Array(text.utf8)).sha256.prefix(32))
    digits[12] = "8"
    digits[16] = "8"
    let parts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }
    return "urn:uuid:" + parts.joined(separator: "-")
  }

  private static func reference(_ file: SecurityScan.File, _ folder: String?) -> String {
    "file:" + FileAddress.uri(file.path, below: folder)
  }

  private static func reference(_ framework: SecurityScan.Framework) -> String {
    "framework:\(framework.name)" + (framework.version.map { "@\($0)" } ?? "")
  }

  /// Formats that hold a model; the others (archives, programs, arrays) are files.
  private static func isModel(_ format: String) -> Bool {
    let prefixes = [
      "pickle", "pytorch", "torchscript", "onnx", "safetensors", "gguf", "tflite", "hdf5", "keras",
      "savedmodel", "torch-",
    ]
    return prefixes.contains { format.hasPrefix($0) }
  }

  private static func component(_ file: SecurityScan.File, _ folder: String?) -> JSONTree {
    var properties = [
      property("format", file.format), property("verdict", file.verdict.rawValue),
      property("outcome", file.outcome.rawValue),
    ]
    if let bytes = file.bytes { properties.append(property("bytes", "\(bytes)")) }
    return .members([
      "type": .text(isModel(file.format) ? "machine-learning-model" : "file"),
      "bom-ref": .text(reference(file, folder)),
      "name": .text(Escape.visible(String(file.path.split(separator: "/").last ?? "?"))),
      "hashes": file.sha256.map {
        .array([.members(["alg": .text("SHA-256"), "content": .text($0)])])
      },
      "licenses": file.licenses.isEmpty ? nil : .array(file.licenses.map(license)),
      "properties": .array(properties),
    ])
  }

  private static func component(_ framework: SecurityScan.Framework) -> JSONTree {
    .members([
      "type": .text("framework"), "bom-ref": .text(reference(framework)),
      "name": .text(Escape.visible(framework.name)),
      "version": framework.version.map { .text(Escape.visible($0)) },
    ])
  }

  private static func property(_ name: String, _ value: String) -> JSONTree {
    .members(["name": .text("neural-scope:\(name)"), "value": .text(value)])
  }

  /// An SPDX identifier where the text is one in any case of letters, otherwise the name as stated.
  private static func license(_ text: String) -> JSONTree {
    let known = spdx.first { $0.lowercased() == text.lowercased() }
    let license =
      known.map { JSONTree.members(["id": .text($0)]) } ?? .members(["name": .text(Escape.visible(text))])
    return .members(["license": license])
  }

  private static func vulnerabilities(_ file: SecurityScan.File, _ folder: String?) -> [JSONTree] {
    file.findings.filter { !$0.isIncompleteness }.enumerated().map { index, finding in
      let records = PublicRecord.identifiers(finding.reference)
      let cwes = records.compactMap(PublicRecord.cwe)
      return .members([
        "bom-ref": .text("finding:\(finding.fingerprint.prefix(16)):\(index)"),
        "id": .text(finding.rule),
        "source": .members(["name": .text("neural-scope")]),
        "ratings": .array([
          .members(["severity": .text(finding.severity.rawValue), "method": .text("other")])
        ]),
        "cwes": cwes.isEmpty ? nil : .array(cwes.map { .integer($0) }),
        "description": .text(Escape.visible(finding.title)),
        "detail": .text(
          Escape.visible("\(finding.evidence) (\(finding.place?.text ?? "file")). \(finding.why)")),
        "recommendation": .text(finding.mitigation),
        "analysis": finding.suppression.map { suppression in
          .members([
            "state": .text("exploitable"), "response": .texts(["will_not_fix"]),
            "detail": .text("accepted until \(suppression.expires): \(Escape.visible(suppression.reason))"),
          ])
        },
        "affects": .array([.members(["ref": .text(reference(file, folder))])]),
      ])
    }
  }

  /// SPDX identifiers that model repositories use.
  private static let spdx = [
    "AFL-3.0", "AGPL-3.0", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Clear",
    "BSL-1.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-NC-2.0", "CC-BY-NC-3.0",
    "CC-BY-NC-4.0", "CC-BY-NC-ND-3.0", "CC-BY-NC-ND-4.0", "CC-BY-NC-SA-2.0", "CC-BY-NC-SA-3.0",
    "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC0-1.0", "CDLA-Permissive-2.0",
    "ECL-2.0", "EPL-1.0", "EPL-2.0", "EUPL-1.1", "EUPL-1.2", "GPL-2.0", "GPL-3.0", "ISC", "LGPL-2.1",
    "LGPL-3.0", "LPPL-1.3c", "MIT", "MPL-2.0", "MS-PL", "NCSA", "ODbL-1.0", "OFL-1.1", "OSL-3.0", "PDDL-1.0",
    "PostgreSQL", "Unlicense", "WTFPL", "Zlib",
  ]
}
