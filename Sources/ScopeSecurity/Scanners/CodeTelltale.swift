import ScopeBytes
import ScopeFormats

/// Looks for code in texts that are meant to describe: what it finds is named by its own words. Words of ordinary
/// language (`model.eval()`, "javascript: yes", a powershell icon) are not code.
enum CodeTelltale {
  static func find(_ text: String) -> String? {
    let bytes = Array(text.utf8.prefix(4 << 20))
    let lower = ByteSlice(bytes.map { (0x41...0x5A).contains($0) ? $0 + 32 : $0 })
    if let found = markers.first(where: { lower.firstIndex(of: Array($0.utf8)) != nil }) { return found }
    for word in ["eval(", "exec(", "compile("] where isCalled(word, lower) { return word }
    for word in [
      "| sh", "|sh", "| bash", "|bash", "| python", "nc -e", "import os", "import subprocess",
      "import socket",
    ]
    where isWord(word, lower) { return word }
    return script(lower) ?? download(lower) ?? program(lower) ?? pickle(text, bytes) ?? template(text)
  }

  private static let markers = [
    "__import__(", "os.system(", "os.popen(", "os.execv", "os.spawn", "subprocess.run(", "subprocess.popen(",
    "subprocess.call(", "subprocess.check_", "subprocess.getoutput", "importlib.import_module",
    "pickle.loads(",
    "marshal.loads(", "builtins.exec", "builtins.eval", "__globals__", "__subclasses__", "__builtins__",
    "<script",
    "<iframe", "data:text/html", "powershell -", "powershell.exe", "/bin/sh -c", "/bin/bash -c", "bash -c ",
    "bash -i",
    "/dev/tcp/", "cmd.exe /c", "rm -rf /", "base64.b64decode(", "pty.spawn(", "socket.socket(",
    "shutil.rmtree(",
    "urllib.request.urlopen(", "getattr(__", "ctypes.cdll", "runpy.run_", "webbrowser.open(",
    "certutil -urlcache",
    "mshta http", "regsvr32 /",
  ]

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
  }

  /// The function itself is called with something: not a method of that name, not without arguments.
  private static func isCalled(_ word: String, _ text: ByteSlice) -> Bool {
    any(word, text) { before, after in
      before.map { !isAlphanumeric($0) && $0 != 0x2E } ?? true
        && after.map { $0 != 0x29 && $0 != 0x20 } ?? false
    }
  }

  /// The words stand by themselves, at the beginning of a statement when they import.
  private static func isWord(_ word: String, _ text: ByteSlice) -> Bool {
    let imports = word.hasPrefix("import")
    return any(word, text) { before, after in
      let ends = after.map { imports ? $0 == 0x3B || $0 == 0x0A : !isAlphanumeric($0) && $0 != 0x2E } ?? true
      let starts =
        imports
        ? before.map { [0x0A, 0x3B, 0x22, 0x27, 0x20].contains($0) } ?? true
        : before.map { !isAlphanumeric($0) } ?? true
      return starts && ends
    }
  }

  private static func any(_ word: String, _ text: ByteSlice, _ check: (UInt8?, UInt8?) -> Bool) -> Bool {
    let pattern = Array(word.utf8)
    var position = 0
    while let found = text.firstIndex(of: pattern, from: position) {
      let end = found + pattern.count
      if check(found > 0 ? text[found - 1] : nil, end < text.count ? text[end] : nil) { return true }
      position = found + 1
    }
    return false
  }

  /// `javascript:` with a call, or an event handler in markup.
  private static func script(_ text: ByteSlice) -> String? {
    if let found = text.firstIndex(of: Array("javascript:".utf8)) {
      let rest = text.dropFirst(found + 11).prefix(80).array
      if let first = rest.first, first != 0x20, rest.contains(0x28) { return "javascript:" }
    }
    guard text.firstIndex(of: [0x3C]) != nil else { return nil }
    return [" onerror=", " onload=", " onclick=", " onmouseover=", " onfocus="].first {
      text.firstIndex(of: Array($0.utf8)) != nil
    }
  }

  /// Fetching something and running it.
  private static func download(_ text: ByteSlice) -> String? {
    func has(_ word: String) -> Bool { text.firstIndex(of: Array(word.utf8)) != nil }
    guard has("curl ") || has("wget ") || has("iwr ") else { return nil }
    return has("http")
      && (has("chmod +x") || has(" -o /") || has(" > /tmp") || has("&& sh") || has("; sh") || has("&& ./"))
      ? "a download that is run" : nil
  }

  private static let programs = [
    ".exe", ".bat", ".ps1", ".scr", ".msi", ".vbs", ".hta", ".dll", ".sh", ".cmd",
  ]

  /// The address of a program.
  private static func program(_ text: ByteSlice) -> String? {
    var position = 0
    var budget = 1000
    while budget > 0, let found = text.firstIndex(of: Array("http".utf8), from: position) {
      budget -= 1
      position = found + 4
      let address = text.dropFirst(found).prefix(2048).array.prefix {
        $0 > 0x20 && ![0x22, 0x27, 0x3C, 0x3E, 0x29, 0x5C, 0x2C, 0x3F, 0x23].contains($0)
      }
      let shown = String(decoding: address, as: UTF8.self)
      guard shown.hasPrefix("http://") || shown.hasPrefix("https://") else { continue }
      if let ending = programs.first(where: shown.hasSuffix) { return "the address of a program (\(ending))" }
    }
    return nil
  }

  /// A pickle as it is, in base64 or in hexadecimal digits.
  private static func pickle(_ text: String, _ bytes: [UInt8]) -> String? {
    if isPickle(bytes) { return "a pickle" }
    let isHexadecimal =
      bytes.count >= 24 && bytes.count % 2 == 0
      && bytes.prefix(4096).allSatisfy {
        (0x30...0x39).contains($0) || (0x61...0x66).contains($0) || (0x41...0x46).contains($0)
      }
    if isHexadecimal, text.hasPrefix("80") {
      var decoded: [UInt8] = []
      for place in stride(from: 0, to: min(bytes.count, 1 << 20) - 1, by: 2) {
        guard let byte = UInt8(String(decoding: bytes[place..<place + 2], as: UTF8.self), radix: 16) else {
          break
        }
        decoded.append(byte)
      }
      if isPickle(decoded) { return "a pickle in hexadecimal digits" }
    }
    let slice = ByteSlice(bytes)
    for marker in ["gASV", "gAN", "gAJ", "gAR", "gAU", "gAS", "Y29zCn", "Y3Bvc2l4", "KGxw", "KGRw", "Y19f"] {
      var position = 0
      var budget = 16
      while budget > 0, let found = slice.firstIndex(of: Array(marker.utf8), from: position) {
        budget -= 1
        position = found + 1
        let rest = bytes[found...].prefix(1 << 20).prefix { isBase64($0) }
        if rest.count >= 16, let decoded = Base64.decode(rest), isPickle(decoded) {
          return "a pickle in base64"
        }
      }
    }
    return nil
  }

  private static func isBase64(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || [0x2B, 0x2F, 0x3D, 0x0A, 0x0D].contains(byte)
  }

  /// Whether the bytes run as a pickle that imports something.
  private static func isPickle(_ bytes: [UInt8]) -> Bool {
    guard bytes.count >= 8, bytes[0] == 0x80 && bytes[1] <= 5 || bytes[0] == 0x63 || bytes[0] == 0x28 else {
      return false
    }
    let run = PickleMachine.run(ByteSlice(bytes), limits: PickleLimits(opcodes: 100_000))
    let imports = run.events.contains { if case .global = $0.kind { true } else { false } }
    let calls = run.events.contains { if case .call = $0.kind { true } else { false } }
    return imports && (calls || run.problem == nil)
  }

  private static func template(_ text: String) -> String? {
    guard text.utf8.count < 1 << 20, text.contains("{{") || text.contains("{%") else { return nil }
    return ChatTemplate(text, member: nil).escapes.isEmpty ? nil : "a template that escapes its sandbox"
  }
}
