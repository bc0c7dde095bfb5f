import ScopeBytes

/// A NumPy array read as images: which dimension is which.
struct NumpyImages {
  let array: NumpyArray
  let count: Int
  let channels: Int
  let height: Int
  let width: Int
  /// Said when the shape alone does not decide.
  private(set) var note: String?
  private let strides: (image: Int, channel: Int, row: Int, column: Int)

  /// [N, C, H, W], [N, H, W, C] or [N, H, W]; channels are the dimension that is 1 or 3.
  ///
  /// - Throws: `invalidData` for another shape.
  init(_ array: NumpyArray, channels wanted: Int) throws(ScopeError) {
    self.array = array
    let shape = array.dimensions
    let strides = array.strides
    guard shape.count == 3 || shape.count == 4, !shape.contains(0) else {
      throw ScopeError(
        .invalidData, "x does not hold images", expected: "a shape [N, C, H, W], [N, H, W, C] or [N, H, W]",
        found: "\(shape)")
    }
    count = shape[0]
    if shape.count == 3 {
      (channels, height, width) = (1, shape[1], shape[2])
      self.strides = (strides[0], 0, strides[1], strides[2])
      return
    }
    let usual: Set<Int> = [1, 3, wanted]
    let first = usual.contains(shape[1])
    let last = usual.contains(shape[3])
    guard first || last else {
      throw ScopeError(
        .invalidData, "x has no dimension of 1 or 3 channels", expected: "[N, C, H, W] or [N, H, W, C]",
        found: "\(shape)")
    }
    // Both fit: the one that is the model's channel count, else channels first as PyTorch and ONNX have it.
    if first, !last || shape[1] == wanted || shape[3] != wanted {
      (channels, height, width) = (shape[1], shape[2], shape[3])
      self.strides = (strides[0], strides[1], strides[2], strides[3])
      if last { note = "The shape \(shape) of x is ambiguous; it was read as [N, C, H, W]." }
    } else {
      (channels, height, width) = (shape[3], shape[1], shape[2])
      self.strides = (strides[0], strides[3], strides[1], strides[2])
    }
  }

  /// Images `indices` as [n, C, H, W], values as stored.
  func values(_ indices: [Int]) -> [Float] {
    array.withFloats { value in
      var result: [Float] = []
      result.reserveCapacity(indices.count * channels * height * width)
      forEachPosition(indices) { result.append(value($0)) }
      return result
    }
  }

  /// Images `indices` as [n, C, H, W] bytes; only for 8-bit arrays.
  func bytes(_ indices: [Int]) -> [UInt8] {
    array.data.withUnsafeBytes { bytes in
      var result: [UInt8] = []
      result.reserveCapacity(indices.count * channels * height * width)
      forEachPosition(indices) { result.append(bytes[$0]) }
      return result
    }
  }

  @inline(__always)
  private func forEachPosition(_ indices: [Int], _ body: (Int) -> Void) {
    for image in indices {
      for channel in 0..<channels {
        for row in 0..<height {
          let start = image * strides.image + channel * strides.channel + row * strides.row
          for column in 0..<width { body(start + column * strides.column) }
        }
      }
    }
  }
}
