import ScopeBytes
import ScopeSecurity
import Testing

@Suite struct FingerprintTests {
  private func finding(_ evidence: String, offset: Int = 1, member: String? = "archive/data.pkl") -> Finding {
    Finding(
      rule: "PKL001", severity: .high, title: "t", evidence: evidence,
      place: FindingPlace(member: member, offset: offset, opcode: "REDUCE"), why: "w", mitigation: "m",
      reference: "r")
  }

  @Test func positionsFoldersAndSpacesDoNotCount() {
    let one = finding("os.system('id') at byte 120, offset 0x3f", offset: 120).fingerprint(
      in: "/a/b/model.pt")
    let two = finding("os.system('id')  at byte 77,  offset 0x1a2", offset: 77).fingerprint(in: "model.pt")
    #expect(one == two && one.count == 64)
    let three = finding("/a/b/other.bin lies outside").fingerprint(in: "/a/b/model.pt")
    #expect(three == finding("other.bin lies outside").fingerprint(in: "c/model.pt"))
  }

  @Test func whatIsDoneWhereCounts() {
    let base = finding("os.system('id')").fingerprint(in: "model.pt")
    #expect(finding("os.system('rm')").fingerprint(in: "model.pt") != base)
    #expect(finding("os.system('id')", member: "other.pkl").fingerprint(in: "model.pt") != base)
    #expect(finding("os.system('id')").fingerprint(in: "other.pt") != base)
    #expect(finding("system(3)").fingerprint(in: "m") != finding("system(4)").fingerprint(in: "m"))
  }

  /// Golden: a change of it would turn every baseline and suppression that people keep into dead text.
  @Test func theFormIsFixed() {
    let text = "14:neural-scope/1\n6:PKL001\n8:model.pt\n16:archive/data.pkl\n15:os.system('id')"
    #expect(finding("os.system('id')").fingerprint(in: "x/model.pt") == ByteSlice(Array(text.utf8)).sha256)
  }
}
