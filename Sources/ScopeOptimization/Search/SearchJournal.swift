import FoundationEssentials
import ScopeBytes
import ScopeStatistics

/// What an interrupted search already knows: one line of JSON per finished measurement, beside the candidates' files.
///
/// Entries count only for the same model, data, engine, machine and settings, which the first line names by a hash.
final class SearchJournal {
  struct Entry: Codable {
    var variant: Variant
    /// SHA-256 of the candidate's file.
    var sha256: String
    var sqnr: Double
    var filterAgreement: Proportion
    var comparison: PairedComparison?
  }

  private struct Header: Codable {
    var journal = 1
    var fingerprint: String
  }

  let directory: String
  private var entries: [String: Entry] = [:]
  private let fingerprint: String
  private var path: String { "\(directory)/search.jsonl" }

  /// Opens the folder; a journal of another search is replaced.
  ///
  /// - Throws: `cannotWrite` when the folder cannot be made or written.
  init(directory: String, fingerprint: String) throws(ScopeError) {
    self.directory = directory
    self.fingerprint = fingerprint
    try AtomicFile.prepareDirectory(directory)
    // An absent or damaged journal knows nothing: everything is measured again.
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return }
    let decoder = JSONDecoder()
    let lines = text.split(separator: "\n")
    guard let first = lines.first, let header = try? decoder.decode(Header.self, from: Data(first.utf8)),
      header.journal == 1, header.fingerprint == fingerprint
    else { return }
    for line in lines.dropFirst() {
      guard let entry = try? decoder.decode(Entry.self, from: Data(line.utf8)) else { continue }
      entries[entry.variant.name] = entry
    }
  }

  /// The variant as an earlier run measured it, with its file mapped; nil when it is not known or the file changed.
  func known(_ variant: Variant) -> (entry: Entry, bytes: ByteSlice)? {
    guard let entry = entries[variant.name], entry.variant == variant,
      let bytes = try? ByteSlice(mappingFile: file(variant)), bytes.sha256 == entry.sha256
    else { return nil }
    return (entry, bytes)
  }

  /// Writes the candidate's file, unless it is there, and what is known of it.
  ///
  /// - Returns: the mapped file.
  func record(_ trial: Trial) throws(ScopeError) -> ByteSlice {
    let hash = trial.bytes.sha256
    let path = file(trial.variant)
    // A file that is gone or was changed is written again.
    if (try? ByteSlice(mappingFile: path))?.sha256 != hash { try AtomicFile.write([trial.bytes], to: path) }
    entries[trial.variant.name] = Entry(
      variant: trial.variant, sha256: hash, sqnr: trial.sqnr, filterAgreement: trial.filterAgreement,
      comparison: trial.comparison)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    var lines: [String] = []
    do {
      lines.append(String(decoding: try encoder.encode(Header(fingerprint: fingerprint)), as: UTF8.self))
      for entry in entries.sorted(by: { $0.key < $1.key }) {
        lines.append(String(decoding: try encoder.encode(entry.value), as: UTF8.self))
      }
    } catch {
      throw ScopeError(.cannotWrite, "the search's journal cannot be written: \(error)", file: self.path)
    }
    try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: self.path)
    return try ByteSlice(mappingFile: path)
  }

  /// Removes the files of variants that are not among `kept`.
  func prune(keeping kept: Set<String>) {
    for entry in entries.values where !kept.contains(entry.variant.name) {
      // What cannot be removed stays; it does no harm.
      try? FileManager.default.removeItem(atPath: file(entry.variant))
    }
  }

  /// File name of a variant: its name with what file systems dislike replaced.
  func file(_ variant: Variant) -> String {
    var name = ""
    for character in variant.name.lowercased() {
      if character.isASCII, character.isLetter || character.isNumber || character == "." {
        name.append(character)
      } else if name.last != "-" {
        name.append("-")
      }
    }
    return "\(directory)/\(name.prefix(120)).onnx"
  }
}
