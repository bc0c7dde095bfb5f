import NeuralScope
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Standard output and standard error.
enum Terminal {
  /// Whether standard error is a terminal, so that progress may be shown.
  static let isInteractive = isatty(2) == 1
  static let outputIsTerminal = isatty(1) == 1

  /// Columns of the terminal, 80 in a pipe.
  static var width: Int {
    var size = winsize()
    guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return min(max(Int(size.ws_col), 60), 120)
  }

  /// Whether colours may be used (https no-color convention: NO_COLOR set means no).
  static var colours: Bool { outputIsTerminal && getenv("NO_COLOR") == nil }

  static func write(_ text: String) { write(text, to: 1) }
  static func writeError(_ text: String) { write(text, to: 2) }

  private static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }

  /// Text from a file made harmless for a terminal: control characters become `?`.
  static func printable(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          let isControl =
            scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            || (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
          return isControl && scalar != "\n" ? "?" : scalar
        }))
  }
}

/// A line on the terminal that says what is being done and how long it will take; silent in a pipe.
final class ProgressLine: Sendable {
  private struct State {
    var stage = ""
    var stageStart = ContinuousClock.now
    var lastShown: ContinuousClock.Instant?
    var isShown = false
  }

  private let state = Mutex(State())

  /// The handler to give to the library, or nil when standard error is no terminal.
  var handler: (@Sendable (ScopeProgress) -> Void)? {
    guard Terminal.isInteractive else { return nil }
    return { progress in self.show(progress) }
  }

  private func show(_ progress: ScopeProgress) {
    state.withLock { state in
      let now = ContinuousClock.now
      let key = String(progress.stage.prefix { $0 != "," && $0 != ":" })
      if key != state.stage || progress.fraction == 0 {
        state.stage = key
        state.stageStart = now
      } else if let last = state.lastShown, now - last < .milliseconds(100) {
        return
      }
      state.lastShown = now
      state.isShown = true
      var line = progress.stage
      if let fraction = progress.fraction {
        line += "  \(Int((min(max(fraction, 0), 1) * 100).rounded()))%"
        let elapsed = now - state.stageStart
        if fraction > 0.05, elapsed > .seconds(1), !progress.stage.contains(" left") {
          let left = Double(elapsed.components.seconds) * (1 - min(fraction, 1)) / fraction
          line += ", about \(Int(left.rounded(.up))) s left"
        }
      }
      Terminal.writeError("\r\u{1B}[K" + String(Terminal.printable(line).prefix(Terminal.width - 1)))
    }
  }

  /// Removes the line before results are printed.
  func clear() {
    state.withLock { state in
      if state.isShown { Terminal.writeError("\r\u{1B}[K") }
      state.isShown = false
    }
  }
}
