#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// a = b + s * c over arrays far larger than the caches: the memory's bandwidth as programs get it.
///
/// Source: J. McCalpin, Memory bandwidth and machine balance in current high performance computers, IEEE TCCA newsletter
/// (1995): every array at least four times the largest cache; three arrays' bytes are counted, not the line that a
/// store fetches first.
enum Triad {
  private static let scalar: Float = 3

  /// The arrays; `@unchecked Sendable` because each thread works on a part of its own.
  @safe private struct Arrays: @unchecked Sendable {
    let a: UnsafeMutablePointer<Float>
    let b: UnsafeMutablePointer<Float>
    let c: UnsafeMutablePointer<Float>

    init(count: Int) {
      unsafe a = .allocate(capacity: count)
      unsafe b = .allocate(capacity: count)
      unsafe c = .allocate(capacity: count)
    }

    func deallocate() {
      unsafe a.deallocate()
      unsafe b.deallocate()
      unsafe c.deallocate()
    }

    /// By the threads that work on them later, so that the pages lie near those.
    func fill(_ range: Range<Int>) {
      let count = range.count
      unsafe (a + range.lowerBound).initialize(repeating: 0, count: count)
      unsafe (b + range.lowerBound).initialize(repeating: 1, count: count)
      unsafe (c + range.lowerBound).initialize(repeating: 2, count: count)
    }

    func triad(_ range: Range<Int>) {
      let (a, b, c) = unsafe (a + range.lowerBound, b + range.lowerBound, c + range.lowerBound)
      for index in 0..<range.count { unsafe a[index] = b[index] + Triad.scalar * c[index] }
    }
  }

  /// Bytes of one array: four times the largest cache and at least 64 MiB, but no more than a twelfth of the memory
  /// that is free.
  package static func arrayBytes(cache: Int?, available: Int?) -> Int {
    let wanted = max(4 * min(cache ?? 0, 1 << 30), 64 << 20)
    return max(min(wanted, (available ?? Int.max) / 12), 1 << 20)
  }

  /// - Returns: the best rate in 10^9 bytes per second.
  static func measure(threads: Int) -> (best: Double, arrayBytes: Int, runs: Int) {
    let bytes = arrayBytes(
      cache: Machine.current.lastLevelCacheBytes, available: ProcessMemory.available)
    let count = bytes / MemoryLayout<Float>.stride
    let arrays = Arrays(count: count)
    defer { arrays.deallocate() }
    let threads = max(threads, 1)
    @Sendable func part(_ index: Int) -> Range<Int> {
      count * index / threads..<count * (index + 1) / threads
    }
    Workers.run(threads) { arrays.fill(part($0)) }
    let clock = ContinuousClock()
    let end = clock.now + .milliseconds(300)
    var best = 0.0
    var runs = 0
    while runs < 5 || (clock.now < end && runs < 200) {
      let time = clock.measure { Workers.run(threads) { arrays.triad(part($0)) } }
      best = max(best, 3 * Double(bytes) / time.milliseconds / 1e6)
      runs += 1
    }
    return (best, bytes, runs)
  }
}

/// Runs a function on several threads and waits for all of them.
enum Workers {
  private final class Task: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// - Parameter body: called once with each index below `count`, each in a thread of its own; where no thread can be
  ///   made, in this one.
  static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    var threads: [pthread_t] = []
    for index in 1..<max(count, 1) {
      let task = unsafe Unmanaged.passRetained(Task { body(index) })
      var thread = pthread_t()
      let status = unsafe pthread_create(
        &thread, nil,
        { context in
          guard let context = unsafe context else { return nil }
          unsafe Unmanaged<Task>.fromOpaque(context).takeRetainedValue().body()
          return nil
        }, task.toOpaque())
      if status == 0 {
        threads.append(thread)
      } else {
        unsafe task.release()
        body(index)
      }
    }
    body(0)
    for thread in threads { pthread_join(thread, nil) }
  }
}
