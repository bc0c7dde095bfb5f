/// A public record that a rule refers to: `CWE-502`, `CVE-2025-1550`, `GHSA-...`, `AML.T0011.000`, an arXiv number.
package enum PublicRecord {
  /// The records in a reference text, which may hold words around them.
  package static func identifiers(_ text: String) -> [String] {
    text.split { " ,;()".contains($0) }.map(String.init).filter { address($0) != nil }
  }

  /// Where the record can be read; nil for anything else.
  package static func address(_ identifier: String) -> String? {
    guard identifier.unicodeScalars.allSatisfy({ allowed.contains($0) }) else { return nil }
    if let number = cwe(identifier) { return "https://cwe.mitre.org/data/definitions/\(number).html" }
    if identifier.hasPrefix("CVE-") { return "https://nvd.nist.gov/vuln/detail/\(identifier)" }
    if identifier.hasPrefix("GHSA-") { return "https://github.com/advisories/\(identifier)" }
    if identifier.hasPrefix("AML.T") { return "https://atlas.mitre.org/techniques/\(identifier)" }
    if identifier.hasPrefix("https://") { return identifier }
    let parts = identifier.split(separator: ".")
    let isArXiv =
      parts.count == 2 && parts[0].count == 4 && (4...5).contains(parts[1].count)
      && parts.allSatisfy { $0.allSatisfy(\.isWholeNumber) }
    return isArXiv ? "https://arxiv.org/abs/\(identifier)" : nil
  }

  /// The number of a CWE identifier.
  package static func cwe(_ identifier: String) -> Int? {
    identifier.hasPrefix("CWE-") ? Int(identifier.dropFirst(4)) : nil
  }

  private static let allowed = Set(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/:#?=&%".unicodeScalars)
}

/// Addresses of files in machine-readable outputs.
package enum FileAddress {
  /// A relative URI reference for a path below `folder`, a `file:` URI for any other absolute path, and the address itself
  /// for what was fetched from the network (RFC 3986).
  package static func uri(_ path: String, below folder: String?) -> String {
    if path.hasPrefix("https://") || path.hasPrefix("http://") {
      return percentEncoded(path, keeping: ":?=&%")
    }
    var path = path
    if let folder, folder != "/", path.hasPrefix(folder + "/") {
      path = String(path.dropFirst(folder.count + 1))
    }
    while path.hasPrefix("./") { path = String(path.dropFirst(2)) }
    if path.hasPrefix("/") { return "file://" + percentEncoded(path) }
    // A first segment with a colon would read as a scheme; escaping the colon leaves no doubt.
    return percentEncoded(path)
  }

  private static func percentEncoded(_ path: String, keeping extra: String = "") -> String {
    var result = ""
    for byte in path.utf8 {
      let scalar = Unicode.Scalar(byte)
      let isPlain =
        byte < 0x80
        && (scalar.properties.isAlphabetic || (0x30...0x39).contains(byte)
          || "/-._~@".unicodeScalars.contains(scalar) || extra.unicodeScalars.contains(scalar))
      if isPlain {
        result.unicodeScalars.append(scalar)
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        result += "%" + (digits.count < 2 ? "0" : "") + digits
      }
    }
    return result
  }
}
