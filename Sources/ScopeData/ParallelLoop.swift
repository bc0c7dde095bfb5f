import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Runs independent work items on a few threads and waits for all of them.
///
/// Threads rather than tasks, so that the blocking caller needs no `async` and a library user's executor is not
/// blocked by decoding.
package enum ParallelLoop {
  private final class Work: Sendable {
    let next = Atomic<Int>(0)
    let count: Int
    let body: @Sendable (Int) -> Void

    init(count: Int, body: @escaping @Sendable (Int) -> Void) {
      self.count = count
      self.body = body
    }

    func run() {
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < count else { return }
        body(index)
      }
    }
  }

  /// Processors that are online.
  package static var processors: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  /// Calls `body` once for each of `0..<count`, in no particular order.
  package static func run(count: Int, threads: Int = processors, _ body: @escaping @Sendable (Int) -> Void) {
    let work = Work(count: count, body: body)
    var helpers: [pthread_t] = []
    for _ in 1..<max(1, min(threads, count, 64)) {
      var thread = pthread_t()
      let context = Unmanaged.passRetained(work)
      let status = pthread_create(
        &thread, nil,
        { context in
          if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run() }
          return nil
        }, context.toOpaque())
      // Without a helper thread the caller does the work itself.
      if status == 0 { helpers.append(thread) } else { context.release() }
    }
    work.run()
    for helper in helpers { pthread_join(helper, nil) }
  }
}
