/// Bounds of one scan; each is named in the message when it is hit, and hitting one makes the verdict `incomplete`.
public struct ScanLimits: Sendable {
  /// Files examined below a folder.
  public var files = 10_000
  /// Folder levels below the one given.
  public var folderDepth = 32
  /// Containers inside containers.
  public var nesting = 4
  /// Members of one archive.
  public var members = 65_536
  /// Bytes one compressed member or stream may expand to.
  public var expandedBytes = 256 << 20
  /// Bytes that everything compressed in one file may expand to together.
  public var totalExpandedBytes = 1 << 30
  /// Compressed members that expand beyond this ratio are bombs.
  public var ratio = 200
  /// Findings kept per rule and file.
  public var findingsPerRule = 20
  /// Streams looked for in one pickle file.
  public var streams = 64
  /// Whether tensor bytes are read too (payload statistics, embedded files); costs a pass over the weights.
  public var readsWeights = false

  public init() {}
}
