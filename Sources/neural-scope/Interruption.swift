import ScopeBytes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Ctrl-C and termination: removes half-written files and ends at once, whatever the engine is doing.
enum Interruption {
  /// Blocks the signals in this thread (later threads inherit that) and waits for them in a thread of its own, where
  /// clean-up may take locks, which a signal handler may not.
  static func watch() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    // Writing to a closed pipe is an error of the write, not a reason to be killed.
    signal(SIGPIPE, SIG_IGN)
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { _ in
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        var received: Int32 = 0
        sigwait(&signals, &received)
        AtomicFile.removeUnfinished()
        TemporaryFolder.removeAll()
        Terminal.writeError(Terminal.isInteractive ? "\r\u{1B}[K" : "")
        Terminal.writeError("interrupted; no output was written\n")
        _exit(Exit.interrupted)
      }, nil)
    pthread_detach(thread)
  }
}
