import ScopeGraph

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The sizes of a Swin transformer that are not in its names.
struct SwinConfiguration: Sendable {
  enum Names: Sendable {
    case torchvision
    case timm
  }

  /// Channels of the first stage; every further stage doubles them.
  var width: Int
  /// Blocks per stage.
  var depths: [Int]
  /// Attention heads per stage.
  var heads: [Int]
  /// Side of the square windows in positions.
  var window: Int
  /// Side of the patches in pixels.
  var patch = 4
  /// Width of the perceptron's hidden layer as a multiple of the stage's.
  var expansion = 4
  var isSecondVersion: Bool
  var names: Names

  /// Masks and index tables grow with the fourth power of the window; published ones go up to 24.
  static let largestWindow = 24

  /// Side of the window whose bias table has (2 window - 1)^2 rows; nil for other numbers of rows.
  static func window(ofTable rows: Int) -> Int? {
    VisionTransformer.gridSide(rows).flatMap { $0 % 2 == 1 ? ($0 + 1) / 2 : nil }
  }

  /// Whether every stage's heads divide its width and one window in the last stage makes a possible image.
  var isPossible: Bool {
    depths.count == heads.count && heads.indices.allSatisfy { (width << $0) % heads[$0] == 0 }
      && depths.allSatisfy { $0 > 0 } && (32...1024).contains(usualImageSize) && (1...16).contains(expansion)
  }

  /// Pixels for which the last stage is one window: 224 for windows of 7, 256 for 8, 384 for 12.
  var usualImageSize: Int { window * (patch << (depths.count - 1)) }

  /// The letter of a published size with this window.
  func letter(window expected: Int) -> String? {
    guard window == expected, patch == 4, expansion == 4 else { return nil }
    return SwinTransformer.published.first { $0.width == width && $0.depths == depths && $0.heads == heads }?
      .letter
  }

  var description: String {
    "patch \(patch), width \(width), depths \(dashed(depths)), heads \(dashed(heads)), window \(window)"
      + (expansion == 4 ? "" : ", hidden width x\(expansion)")
  }

  var citation: String {
    isSecondVersion
      ? "Liu et al.: Swin Transformer V2: Scaling Up Capacity and Resolution, arXiv:2111.09883"
      : "Liu et al.: Swin Transformer: Hierarchical Vision Transformer using Shifted Windows, arXiv:2103.14030"
  }

  var summary: String {
    isSecondVersion
      ? "Swin with cosine attention and positions from a small network, made to train at large scale."
      : "A vision transformer whose attention stays in shifted windows: cost grows linearly with the image."
  }

  func assumptions(_ library: String) -> [String] {
    [
      "every second block shifts its windows by \(window / 2) positions where the image is larger than a window",
      "GELU by the error function and layer-normalisation epsilon 1e-5 as in \(library)",
      "stochastic depth is inactive at inference",
    ]
  }

  // MARK: Tables

  /// Row of the bias table for every pair of positions in a window, [window^4].
  static func positionIndex(window: Int) -> Tensor {
    let tokens = window * window
    var index = [Int](repeating: 0, count: tokens * tokens)
    for query in 0..<tokens {
      for key in 0..<tokens {
        let rows = query / window - key / window + window - 1
        let columns = query % window - key % window + window - 1
        index[query * tokens + key] = rows * (2 * window - 1) + columns
      }
    }
    return .int64s(index)
  }

  /// Log-spaced relative coordinates of the second version, [(2 window - 1)^2, 2] (equation 4 of the paper, scaled
  /// to 8 as in the reference).
  static func coordinates(window: Int) -> Tensor {
    let side = 2 * window - 1
    func scaled(_ position: Int) -> Float {
      let value = Float(position - window + 1) / Float(window - 1) * 8
      let length = log2f(abs(value) + 1) / 3
      return value < 0 ? -length : value == 0 ? 0 : length
    }
    var values: [Float] = []
    values.reserveCapacity(2 * side * side)
    for row in 0..<side { for column in 0..<side { values += [scaled(row), scaled(column)] } }
    return .floats(values, [side * side, 2])
  }

  /// -100 for pairs that the cyclic shift brought into one window from different places, else 0:
  /// [windows, 1, window^2, window^2] for a square of `side` positions.
  static func mask(side: Int, window: Int, shift: Int) -> Tensor {
    func region(_ position: Int) -> Int { position < side - window ? 0 : position < side - shift ? 1 : 2 }
    let across = side / window
    let tokens = window * window
    var values = [Float](repeating: 0, count: across * across * tokens * tokens)
    for row in 0..<across {
      for column in 0..<across {
        let regions = (0..<tokens).map {
          3 * region(row * window + $0 / window) + region(column * window + $0 % window)
        }
        // Windows that lie in one region need no mask.
        guard regions.contains(where: { $0 != regions[0] }) else { continue }
        let base = (row * across + column) * tokens * tokens
        for query in 0..<tokens {
          for key in 0..<tokens where regions[query] != regions[key] {
            values[base + query * tokens + key] = -100
          }
        }
      }
    }
    return .floats(values, [across * across, 1, tokens, tokens])
  }
}
