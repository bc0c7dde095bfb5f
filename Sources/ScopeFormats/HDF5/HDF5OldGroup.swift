import ScopeBytes

/// Groups of the old kind: a B-tree (version 1) of symbol table nodes, names in a local heap.
enum HDF5OldGroup {
  static func links(_ file: inout HDF5Bytes, tree: Int, heap: Int) throws(ScopeError) -> [HDF5GroupLink] {
    try file.expect("HEAP", at: heap, "a group's heap of names")
    let size = try file.length(at: heap + 8)
    guard let start = try file.address(at: heap + 8 + 2 * file.lengthSize) else {
      throw ScopeError(.malformed, "a group's heap of names has no data", place: "byte \(heap)")
    }
    let names = HDF5Bytes(
      try file.bytes.slice(at: start, count: size, what: "heap of names"), offsetSize: file.offsetSize,
      lengthSize: file.lengthSize, base: 0)
    var links: [HDF5GroupLink] = []
    var seen = Set<Int>()
    var stack = [tree]
    while let node = stack.popLast() {
      try file.spend()
      guard seen.insert(node).inserted else {
        throw ScopeError(
          .malformed, "a group's B-tree meets itself", place: "byte \(file.bytes.offset + node)")
      }
      if file.bytes.dropFirst(node).starts(with: Array("SNOD".utf8)) {
        try symbols(&file, at: node, names, &links)
        continue
      }
      try file.expect("TREE", at: node, "a group's B-tree")
      guard try file.byte(node + 4) == 0 else {
        throw ScopeError(
          .malformed, "a group's B-tree is of another kind", place: "byte \(file.bytes.offset + node)")
      }
      let count = try file.word(node + 6)
      var position = node + 8 + 2 * file.offsetSize + file.lengthSize
      var children: [Int] = []
      for _ in 0..<count {
        if let child = try file.address(at: position) { children.append(child) }
        position += file.offsetSize + file.lengthSize
      }
      stack += children.reversed()
    }
    return links
  }

  private static func symbols(
    _ file: inout HDF5Bytes, at node: Int, _ names: HDF5Bytes, _ links: inout [HDF5GroupLink]
  ) throws(ScopeError) {
    let count = try file.word(node + 6)
    let width = 2 * file.offsetSize + 24
    _ = try file.bytes.slice(at: node + 8, count: count * width, what: "symbol table")
    for index in 0..<count {
      try file.spend()
      let position = node + 8 + index * width
      guard let offset = try file.number(at: position, width: file.offsetSize), offset < names.bytes.count
      else {
        throw ScopeError(
          .malformed, "a name lies outside its heap", place: "byte \(file.bytes.offset + position)")
      }
      let name = try names.text(at: offset)
      let kind = try file.long(position + 2 * file.offsetSize)
      if kind == 2 {
        let value = try file.long(position + 2 * file.offsetSize + 8)
        links.append(
          HDF5GroupLink(name: name, target: .soft(value < names.bytes.count ? try names.text(at: value) : ""))
        )
      } else if let address = try file.address(at: position + file.offsetSize) {
        links.append(HDF5GroupLink(name: name, target: .hard(address)))
      }
    }
  }
}
