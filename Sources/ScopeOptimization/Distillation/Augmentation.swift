import ScopeRuntime
import ScopeStatistics

/// Changes images so that few of them show a teacher and a student more of what both can see.
struct Augmentation {
  var flips: Bool
  /// Largest move in pixels.
  var shift: Int
  /// Share of images that are mixed with another.
  var mixing: Float

  var changesNothing: Bool { !flips && shift == 0 && mixing == 0 }

  /// A changed copy of a batch [n, C, H, W].
  func apply(_ batch: HostArray, using generator: inout SplitMix64) -> HostArray {
    guard batch.dimensions.count == 4, batch.dimensions[0] > 0, !batch.floats.isEmpty else { return batch }
    let (count, width) = (batch.dimensions[0], batch.dimensions[3])
    let size = batch.floats.count / count
    var values = batch.floats
    for image in 0..<count {
      let mirrored = flips && generator.next() & 1 == 1
      let (right, down) = (move(&generator), move(&generator))
      guard mirrored || right != 0 || down != 0 else { continue }
      let height = batch.dimensions[2]
      for plane in stride(from: image * size, to: (image + 1) * size, by: height * width) {
        for row in 0..<height {
          let source = plane + min(max(row + down, 0), height - 1) * width
          let target = plane + row * width
          for column in 0..<width {
            let place = min(max(column + right, 0), width - 1)
            values[target + column] = batch.floats[source + (mirrored ? width - 1 - place : place)]
          }
        }
      }
    }
    guard mixing > 0, count > 1 else { return HostArray(values, batch.dimensions) }
    let whole = values
    for image in 0..<count where generator.unit() < mixing {
      let offset = 1 + Int(generator.next() % UInt64(count - 1))
      let other = (image + offset) % count * size
      let ratio = generator.unit()
      for position in 0..<size {
        values[image * size + position] =
          ratio * whole[image * size + position] + (1 - ratio) * whole[other + position]
      }
    }
    return HostArray(values, batch.dimensions)
  }

  private func move(_ generator: inout SplitMix64) -> Int {
    shift > 0 ? Int(generator.next() % UInt64(2 * shift + 1)) - shift : 0
  }
}
