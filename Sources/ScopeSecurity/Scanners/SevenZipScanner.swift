import ScopeBytes

extension FileScan {
  /// Scans the members of a 7-Zip archive.
  ///
  /// - Returns: the format's name.
  mutating func scanSevenZip(_ bytes: ByteSlice, member: String?, depth: Int) -> String {
    guard enterContainer(member ?? path, depth: depth) else { return "7z" }
    var entries = 0
    var this = self
    let budget = max(0, limits.totalExpandedBytes - expandedTotal)
    do throws(ScopeError) {
      try SevenZip.forEachEntry(of: bytes, limit: min(budget, limits.expandedBytes)) { entry in
        entries += 1
        guard entries <= this.limits.members else {
          this.leaveOut(
            ScopeError(
              .limitExceeded, "the archive has too many members", expected: "at most \(this.limits.members)"),
            member: member)
          return false
        }
        return this.scan(entry, container: member, archiveSize: bytes.count, depth: depth)
      }
    } catch {
      this.leaveOut(error, member: member)
    }
    self = this
    return "7z"
  }

  /// - Returns: whether the walk goes on.
  private mutating func scan(
    _ entry: SevenZipEntry, container: String?, archiveSize: Int, depth: Int
  ) -> Bool {
    let name = qualified(entry.name, in: container)
    checkName(entry.name, linkTarget: entry.linkTarget, member: name)
    if entry.isEncrypted {
      add(ARC006.finding("\(entry.name) is encrypted", place: FindingPlace(member: name)))
      unexamined.append("\(name): encrypted")
      return true
    }
    guard entry.isRegular else {
      if !entry.isDirectory, entry.linkTarget == nil {
        add(
          ARC004.finding(
            "\(PickleAnalysis.printable(entry.name)) is a device or pipe", place: FindingPlace(member: name)))
      }
      return true
    }
    var contents = entry.contents
    contents.consumed = archiveSize
    take(contents, of: name)
    scanInner(contents.data, name: name, depth: depth)
    return contents.problem == nil
  }

  /// Raises ARC004 for names and links that leave the folder an archive is extracted to.
  mutating func checkName(_ name: String, linkTarget: String?, member: String) {
    let shown = PickleAnalysis.printable(name)
    if let reason = ExternalLocation.escape(name) {
      add(ARC004.finding("the name \(shown) \(reason)", place: FindingPlace(member: member)))
    }
    guard let linkTarget else { return }
    if let reason = ExternalLocation.escape(linkTarget) {
      add(
        ARC004.finding(
          "\(shown) links to \(PickleAnalysis.printable(linkTarget)), which \(reason)",
          place: FindingPlace(member: member)))
    }
  }
}
