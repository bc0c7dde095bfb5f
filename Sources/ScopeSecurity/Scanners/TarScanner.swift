import ScopeBytes

extension FileScan {
  /// Scans a tar archive: the format of very old checkpoints, and a container of others.
  ///
  /// - Returns: the format's name.
  mutating func scanTar(_ bytes: ByteSlice, member container: String?, depth: Int) -> String {
    guard enterContainer(container ?? path, depth: depth) else { return "tar" }
    let contents = TarReader.read(bytes, limit: limits.members)
    let names = contents.members.map(\.name)
    let isCheckpoint = names.contains("pickle") && names.contains("storages")
    if isCheckpoint { add(PT005.found(names)) }
    for member in contents.members {
      scan(member, container: container, isCheckpoint: isCheckpoint, depth: depth)
    }
    for (offset, detail) in contents.ambiguities {
      add(ARC001.finding(detail, place: FindingPlace(member: container, offset: offset)))
    }
    if let problem = contents.problem { leaveOut(problem, member: container) }
    var seen: Set<String> = []
    for member in contents.members
    where !member.isFolder && !seen.insert(member.name).inserted && isCheckpoint {
      add(
        ARC003.finding(
          "\(PickleAnalysis.printable(member.name)) appears twice",
          place: FindingPlace(member: qualified(member.name, in: container), offset: member.offset)))
    }
    if contents.problem == nil {
      scanTrailing(bytes.dropFirst(contents.end), member: container, depth: depth)
    }
    return isCheckpoint ? "pytorch-tar" : "tar"
  }

  private mutating func scan(_ member: TarMember, container: String?, isCheckpoint: Bool, depth: Int) {
    let name = qualified(member.name, in: container)
    checkName(
      member.name, linkTarget: member.isLink ? Self.resolved(member) : nil, member: name)
    if member.isSpecial {
      add(
        ARC004.finding(
          "\(PickleAnalysis.printable(member.name)) is a device or pipe", place: FindingPlace(member: name)))
    }
    guard member.data.count >= 2, !member.isLink, !member.isFolder else { return }
    if scanFramework(member.data, member: name, depth: depth + 1) != nil { return }
    switch ContentKind(member.data) {
    case .unknown, .empty:
      if FolderWalk.claimsToBeModel(member.name) {
        leaveOut(ScopeError(.unsupported, "the content is not recognised"), member: name)
      }
    case .text: scanText(member.data, name: member.name, member: name)
    case .pickle:
      _ = scanPickle(member.data, member: name, depth: depth + 1, role: isCheckpoint ? .torch : .plain)
    default: _ = scan(member.data, member: name, depth: depth + 1)
    }
  }

  /// Where a link leads, seen from the archive's root: a symbolic link starts at its own folder. Unresolved where it
  /// stays inside.
  private static func resolved(_ member: TarMember) -> String? {
    let target = member.linkTarget
    if target.hasPrefix("/") || ExternalLocation.escape(target) == nil { return target }
    var depth = 0
    let folder = member.type == 0x32 ? member.name.split(separator: "/").dropLast() : []
    for part in folder + target.split(separator: "/") where part != "." {
      depth += part == ".." ? -1 : 1
      if depth < 0 { return target }
    }
    return nil
  }
}
