import OrderedCollections
import ScopeBytes

/// What lies at a path of an HDF5 file.
public struct HDF5Dataset: Sendable, Hashable {
  /// From the root, separated by slashes.
  public var path: String
  public var dimensions: [Int]
  /// `float32`, `int8`, `bfloat16`, `string` ...
  public var type: String
  /// Bytes of one element.
  public var elementSize: Int
  public var elements: Int
  /// Bytes of the elements; those of filtered (compressed) datasets before the filter.
  public var bytes: Int
  /// The numbers lie in other files (external storage or a virtual dataset): reading them opens those files.
  public var isExternal: Bool
  /// Those files: of external storage, and of a virtual dataset the sources ("." is the file itself).
  public var externalFiles: [String] = []
  /// Compressed or otherwise filtered.
  public var isFiltered: Bool
}

/// A link that is no hard link.
public struct HDF5Link: Sendable, Hashable {
  public var path: String
  /// The file that an external link opens; nil for a soft link.
  public var file: String?
  public var target: String
}

/// The value of an attribute: texts are read, other values only named.
public enum HDF5Attribute: Sendable, Hashable {
  case texts([String])
  case other

  public var text: String? { if case .texts(let texts) = self, texts.count == 1 { texts[0] } else { nil } }
}

/// The structure of an HDF5 file (HDF5 File Format Specification 3.0): groups, datasets, attributes, links.
/// Superblocks 0 to 3, both kinds of object headers and groups. No dataset's numbers are read.
public struct HDF5File: Sendable {
  /// In the order they were found, which is by name within old groups.
  public private(set) var datasets: [HDF5Dataset] = []
  /// Attributes of every group; the root is the empty path.
  public private(set) var groups: OrderedDictionary<String, OrderedDictionary<String, HDF5Attribute>> = [:]
  /// Attributes of datasets that have any.
  public private(set) var datasetAttributes: [String: OrderedDictionary<String, HDF5Attribute>] = [:]
  /// Soft and external links, which are not followed.
  public private(set) var links: [HDF5Link] = []
  /// What could not be read, when the reading goes on behind it.
  public private(set) var problems: [ScopeError] = []

  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
  private static let depthLimit = 64
  private static let objectLimit = 1_000_000

  public static func looksLikeHDF5(_ bytes: ByteSlice) -> Bool { superblock(in: bytes) != nil }

  /// The signature may follow a user block of 512 bytes or a power of two more.
  private static func superblock(in bytes: ByteSlice) -> Int? {
    if bytes.starts(with: signature) { return 0 }
    // Anything else that a file may begin with has been told apart by then; a few places suffice.
    for position in [512, 1024, 2048] where bytes.dropFirst(position).starts(with: signature) {
      return position
    }
    return nil
  }

  /// - Throws: `truncated`, `malformed`, `limitExceeded` with the byte; `unsupported` for parts of the format that
  ///   model files do not use.
  public init(_ bytes: ByteSlice) throws(ScopeError) { try self.init(bytes, goesOn: false) }

  /// - Parameter goesOn: whether parts that cannot be read are noted in ``problems`` instead of ending the reading.
  package init(_ bytes: ByteSlice, goesOn: Bool) throws(ScopeError) {
    guard let start = Self.superblock(in: bytes) else {
      throw ScopeError(.malformed, "the file has no HDF5 signature", place: "byte \(bytes.offset)")
    }
    let (file, root) = try Self.open(bytes, at: start)
    var reader = HDF5ObjectReader(file, goesOn: goesOn)
    var visited = Set<Int>()
    var stack: [(path: String, address: Int, depth: Int)] = [("", root, 0)]
    while let (path, address, depth) = stack.popLast() {
      // A second hard link to an object, or a cycle of groups, adds nothing.
      guard visited.insert(address).inserted else { continue }
      guard visited.count <= Self.objectLimit, depth <= Self.depthLimit else {
        throw ScopeError(
          .limitExceeded, "the HDF5 file has too many or too deeply nested objects",
          expected: "at most \(Self.objectLimit) objects, \(Self.depthLimit) levels")
      }
      do throws(ScopeError) {
        let object = try reader.object(at: address)
        if let dataset = object.dataset {
          datasets.append(try dataset.described(as: path, attributes: object.attributes, in: file))
          if !object.attributes.isEmpty { datasetAttributes[path] = object.attributes }
        } else {
          groups[path] = object.attributes
          for link in object.links.reversed() {
            let inner = path.isEmpty ? link.name : "\(path)/\(link.name)"
            switch link.target {
            case .hard(let target): stack.append((inner, target, depth + 1))
            case .soft(let target): links.append(HDF5Link(path: inner, file: nil, target: target))
            case .external(let file, let target):
              links.append(HDF5Link(path: inner, file: file, target: target))
            }
          }
        }
      } catch {
        let placed = path.isEmpty ? error : error.at("object \"/\(path.prefix(200))\"")
        guard goesOn, error.code != .limitExceeded, problems.count < 64 else { throw placed }
        problems.append(placed)
      }
    }
    problems += reader.problems
  }

  /// The widths from the superblock and the address of the root group.
  private static func open(_ bytes: ByteSlice, at start: Int) throws(ScopeError) -> (HDF5Bytes, Int) {
    let version = Int(try bytes.integer(at: start + 8, as: UInt8.self, what: "superblock"))
    guard (0...3).contains(version) else {
      throw ScopeError(
        .unsupported, "the HDF5 superblock version is not known", place: "byte \(bytes.offset + start + 8)",
        expected: "0 to 3", found: "\(version)")
    }
    let isOld = version < 2
    let offsets = Int(try bytes.integer(at: start + (isOld ? 13 : 9), as: UInt8.self, what: "superblock"))
    let lengths = Int(try bytes.integer(at: start + (isOld ? 14 : 10), as: UInt8.self, what: "superblock"))
    guard [2, 4, 8].contains(offsets), [2, 4, 8].contains(lengths) else {
      throw ScopeError(
        .unsupported, "the HDF5 file has addresses of an unusual width", expected: "2, 4 or 8 bytes",
        found: "\(offsets) and \(lengths)")
    }
    let fields = start + (version == 0 ? 24 : version == 1 ? 28 : 12)
    let unshifted = HDF5Bytes(bytes, offsetSize: offsets, lengthSize: lengths, base: 0)
    let declared = try unshifted.number(at: fields, width: offsets) ?? 0
    // Writers put the user block's size there; a base that leaves the file is damage.
    guard declared <= bytes.count else {
      throw ScopeError(.truncated, "the HDF5 base address lies beyond the file", found: "\(declared)")
    }
    let file = HDF5Bytes(bytes, offsetSize: offsets, lengthSize: lengths, base: declared)
    // Base, free space or extension, end of file, then driver and the root's entry (its name comes first), or the root.
    if let end = try unshifted.number(at: fields + 2 * offsets, width: offsets),
      end.subtractingReportingOverflow(bytes.count - declared).partialValue > 0, end > bytes.count
    {
      throw ScopeError(
        .truncated, "the HDF5 file ends before its own header says", expected: "\(end) bytes",
        found: "\(bytes.count)", remedy: "The file is truncated; fetch it again")
    }
    guard let root = try file.address(at: fields + (isOld ? 5 : 3) * offsets) else {
      throw ScopeError(.malformed, "the HDF5 file has no root group")
    }
    return (file, root)
  }
}
