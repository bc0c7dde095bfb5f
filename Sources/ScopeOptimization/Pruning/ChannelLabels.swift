/// Which removable channel each index along some axes of a value belongs to.
///
/// Along all other axes every index belongs to the same channels. A convolution's output [N, C, H, W] is labelled along
/// axis 1; the heads of an attention [N, T, H, D] along axes 2 and 3 until something ties a head's features together.
package struct ChannelLabels: Sendable, Hashable {
  /// Ascending.
  package private(set) var axes: [Int]
  /// Size of the value along each of `axes`.
  package private(set) var sizes: [Int]
  /// Row-major over `axes`; members of the tracer's ``DisjointSets``.
  package private(set) var atoms: [Int]

  /// Labels beyond this many elements are not followed.
  static let maximumElements = 1 << 21

  package init(axis: Int, atoms: [Int]) {
    axes = [axis]
    sizes = [atoms.count]
    self.atoms = atoms
  }

  /// - Parameter axes: in the order in which `atoms` are row-major; sorted here.
  init(axes: [Int], sizes: [Int], atoms: [Int]) {
    let order = axes.indices.sorted { axes[$0] < axes[$1] }
    guard order != Array(axes.indices) else {
      (self.axes, self.sizes, self.atoms) = (axes, sizes, atoms)
      return
    }
    var strides = [Int](repeating: 1, count: axes.count)
    for index in axes.indices.dropLast().reversed() { strides[index] = strides[index + 1] * sizes[index + 1] }
    self.axes = order.map { axes[$0] }
    self.sizes = order.map { sizes[$0] }
    self.atoms = Self.gather(atoms, sizes: order.map { sizes[$0] }, strides: order.map { strides[$0] })
  }

  func size(along axis: Int) -> Int? { axes.firstIndex(of: axis).map { sizes[$0] } }

  /// Elements at every index of `sizes`, row-major, where a step along axis `i` moves by `strides[i]`.
  private static func gather(_ values: [Int], sizes: [Int], strides: [Int]) -> [Int] {
    var result: [Int] = []
    result.reserveCapacity(sizes.reduce(1, *))
    var index = [Int](repeating: 0, count: sizes.count)
    var offset = 0
    for _ in 0..<sizes.reduce(1, *) {
      result.append(values[offset])
      for axis in sizes.indices.reversed() {
        index[axis] += 1
        offset += strides[axis]
        if index[axis] < sizes[axis] { break }
        offset -= strides[axis] * sizes[axis]
        index[axis] = 0
      }
    }
    return result
  }

  /// The atoms over a superset of the axes, row-major over `axes`; repeated along the new ones.
  func expanded(over wanted: [Int], sizes wantedSizes: [Int]) -> [Int] {
    var strides = [Int](repeating: 0, count: wanted.count)
    var stride = 1
    for index in axes.indices.reversed() {
      if let position = wanted.firstIndex(of: axes[index]) { strides[position] = stride }
      stride *= sizes[index]
    }
    return Self.gather(atoms, sizes: wantedSizes, strides: strides)
  }

  /// The same labels on renamed axes.
  package func renamed(_ axis: (Int) -> Int) -> ChannelLabels {
    ChannelLabels(axes: axes.map(axis), sizes: sizes, atoms: atoms)
  }

  /// Only the indices `chosen` along `axis`.
  func selecting(_ chosen: [Int], along axis: Int) -> ChannelLabels {
    guard let position = axes.firstIndex(of: axis) else { return self }
    let inner = sizes[(position + 1)...].reduce(1, *)
    let outer = sizes[..<position].reduce(1, *)
    var result: [Int] = []
    result.reserveCapacity(outer * chosen.count * inner)
    for block in 0..<outer {
      for index in chosen {
        let start = (block * sizes[position] + index) * inner
        result.append(contentsOf: atoms[start..<start + inner])
      }
    }
    var copy = self
    copy.sizes[position] = chosen.count
    copy.atoms = result
    return copy
  }

  /// The atoms that lie behind one another along `axis`, one list per index over the other axes.
  func lines(along axis: Int) -> [[Int]] {
    guard let position = axes.firstIndex(of: axis) else { return atoms.map { [$0] } }
    let inner = sizes[(position + 1)...].reduce(1, *)
    let outer = sizes[..<position].reduce(1, *)
    var result: [[Int]] = []
    for block in 0..<outer {
      for offset in 0..<inner {
        result.append((0..<sizes[position]).map { atoms[(block * sizes[position] + $0) * inner + offset] })
      }
    }
    return result
  }

  /// Without `axis`, taking the first index along it; nil when no axis is left.
  func dropping(_ axis: Int) -> ChannelLabels? {
    guard axes.count > 1 || axes.first != axis else { return nil }
    let first = selecting([0], along: axis)
    let kept = first.axes.indices.filter { first.axes[$0] != axis }
    return ChannelLabels(
      axes: kept.map { first.axes[$0] }, sizes: kept.map { first.sizes[$0] }, atoms: first.atoms)
  }

  /// Without the axes along which the labels do not change.
  func simplified() -> ChannelLabels? {
    var result: ChannelLabels? = self
    for axis in axes {
      guard let current = result else { return nil }
      if current.lines(along: axis).allSatisfy({ line in line.allSatisfy { $0 == line[0] } }) {
        result = current.dropping(axis)
      }
    }
    return result
  }

  /// The labels after a reshape from `input` to `output`; nil when they are too many to follow.
  ///
  /// The shapes are cut into the shortest runs of axes with equal products; within a run the labels are written out over
  /// all axes of the input and read back over those of the output.
  package func reshaped(from input: [Int], to output: [Int]) -> ChannelLabels? {
    guard input.reduce(1, *) == output.reduce(1, *), !input.contains(0) else { return nil }
    var newAxes: [Int] = []
    var newSizes: [Int] = []
    // The labelled axes of all runs, row-major in the order of the input's axes.
    var oldAxes: [Int] = []
    var oldSizes: [Int] = []
    var (first, second) = (0, 0)
    while first < input.count || second < output.count {
      let (firstStart, secondStart) = (first, second)
      var (left, right) = (1, 1)
      repeat {
        if left <= right, first < input.count {
          left *= input[first]
          first += 1
        } else if second < output.count {
          right *= output[second]
          second += 1
        } else if first < input.count {
          left *= input[first]
          first += 1
        } else {
          return nil
        }
      } while left != right || first == firstStart && first < input.count
        || second == secondStart && second < output.count
      let run = Array(firstStart..<first)
      guard run.contains(where: axes.contains) else { continue }
      oldAxes += run
      oldSizes += run.map { input[$0] }
      newAxes += Array(secondStart..<second)
      newSizes += (secondStart..<second).map { output[$0] }
    }
    guard oldSizes.reduce(1, *) <= Self.maximumElements else { return nil }
    let all = expanded(over: oldAxes, sizes: oldSizes)
    return ChannelLabels(axes: newAxes, sizes: newSizes, atoms: all).simplified()
  }
}
