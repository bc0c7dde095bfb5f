import ScopeBytes

/// The calls in Python source text, found without parsing it completely: comments and string literals are left out,
/// names are followed through `import`.
struct PythonCode {
  /// A call: the dotted path of what is called and where.
  struct Call: Sendable, Hashable {
    var path: String
    var offset: Int
  }

  private enum Token: Hashable {
    case name(String)
    case symbol(UInt8)
    case newline
  }

  private var tokens: [(token: Token, offset: Int)] = []
  /// Local names and what they stand for: `import os as o`, `from os import system`.
  private var names: [String: String] = [:]
  private(set) var calls: [Call] = []

  /// Longest text that is read.
  static let limit = 8 << 20

  init(_ text: ByteSlice) {
    tokenise(text.prefix(Self.limit).array, base: 0)
    readImports()
    findCalls()
  }

  private static func isName(_ byte: UInt8) -> Bool {
    byte == 0x5F || byte >= 0x80 || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
      || (0x61...0x7A).contains(byte)
  }

  private mutating func tokenise(_ bytes: [UInt8], base: Int) {
    var position = 0
    while position < bytes.count {
      let byte = bytes[position]
      let start = position
      switch byte {
      case 0x0A:
        tokens.append((.newline, start))
        position += 1
      case 0x20, 0x09, 0x0D, 0x0C: position += 1
      case 0x5C: position += 2  // A continued line.
      case 0x23: while position < bytes.count, bytes[position] != 0x0A { position += 1 }
      case 0x22, 0x27: position = Self.endOfString(bytes, position)
      default:
        guard Self.isName(byte) else {
          tokens.append((.symbol(byte), start))
          position += 1
          continue
        }
        while position < bytes.count, Self.isName(bytes[position]) { position += 1 }
        // A prefix of a string literal (`b"..."`, `rf'...'`) is no name.
        if position < bytes.count, bytes[position] == 0x22 || bytes[position] == 0x27, position - start <= 2 {
          position = Self.endOfString(bytes, position)
          continue
        }
        tokens.append((.name(String(decoding: bytes[start..<position], as: UTF8.self)), start))
      }
      if tokens.count >= 2_000_000 { return }
    }
  }

  private static func endOfString(_ bytes: [UInt8], _ start: Int) -> Int {
    let quote = bytes[start]
    let isTriple = start + 2 < bytes.count && bytes[start + 1] == quote && bytes[start + 2] == quote
    var position = start + (isTriple ? 3 : 1)
    while position < bytes.count {
      if bytes[position] == 0x5C {
        position += 2
        continue
      }
      if bytes[position] == quote {
        guard isTriple else { return position + 1 }
        if position + 2 < bytes.count, bytes[position + 1] == quote, bytes[position + 2] == quote {
          return position + 3
        }
      }
      if !isTriple, bytes[position] == 0x0A { return position }
      position += 1
    }
    return bytes.count
  }

  /// A dotted name that begins at a token, and the token after it.
  private func dotted(_ start: Int) -> (String, Int)? {
    guard start < tokens.count, case .name(var path) = tokens[start].token else { return nil }
    var index = start + 1
    while index + 1 < tokens.count, tokens[index].token == .symbol(0x2E),
      case .name(let part) = tokens[index + 1].token
    {
      path += ".\(part)"
      index += 2
    }
    return (path, index)
  }

  private mutating func readImports() {
    var index = 0
    while index < tokens.count {
      defer { index += 1 }
      guard case .name(let word) = tokens[index].token else { continue }
      if word == "import" { readNames(after: index, of: nil) }
      if word == "from", let (module, next) = dotted(index + 1), next < tokens.count,
        tokens[next].token == .name("import")
      {
        readNames(after: next, of: module)
        index = next
      }
    }
  }

  /// `a.b as c, d` after `import`, or `(x as y, z)` after `from m import`.
  private mutating func readNames(after start: Int, of module: String?) {
    var index = start + 1
    var inside = false
    while index < tokens.count {
      switch tokens[index].token {
      case .symbol(0x28): inside = true
      case .symbol(0x29): return
      case .newline where !inside: return
      case .newline, .symbol(0x2C): break
      case .symbol: return
      case .name:
        guard let (path, next) = dotted(index) else { return }
        let full = module.map { "\($0).\(path)" } ?? path
        index = next - 1
        if next + 1 < tokens.count, tokens[next].token == .name("as"),
          case .name(let alias) = tokens[next + 1].token
        {
          names[alias] = full
          index = next + 1
        } else if module != nil {
          names[path] = full
        } else {
          let root = String(path.prefix { $0 != "." })
          names[root] = root
        }
      }
      index += 1
    }
  }

  private mutating func findCalls() {
    var index = 0
    while index < tokens.count, calls.count < 100_000 {
      guard let (path, next) = dotted(index) else {
        index += 1
        continue
      }
      let isAttribute = index > 0 && tokens[index - 1].token == .symbol(0x2E)
      let isDefinition =
        index > 0 && (tokens[index - 1].token == .name("def") || tokens[index - 1].token == .name("class"))
      if next < tokens.count, tokens[next].token == .symbol(0x28), !isAttribute, !isDefinition {
        let root = String(path.prefix { $0 != "." })
        let rest = path.dropFirst(root.count)
        let full = names[root].map { $0 + rest } ?? (rest.isEmpty ? "builtins.\(path)" : path)
        calls.append(Call(path: full, offset: tokens[index].offset))
      }
      index = next
    }
  }

  /// Calls that start processes, run text, open connections or load machine code.
  var dangerousCalls: [Call] {
    calls.filter { call in
      let root = String(call.path.prefix { $0 != "." })
      let last = String(call.path.split(separator: ".").last ?? "")
      switch root {
      case "os", "posix", "nt": return Self.systemCalls.contains { last.hasPrefix($0) }
      case "builtins": return ["eval", "exec", "compile", "__import__"].contains(last)
      case "subprocess", "pty", "ctypes", "socket", "runpy", "marshal", "webbrowser", "requests", "httpx",
        "ftplib",
        "smtplib", "telnetlib", "paramiko", "code", "pickle", "dill", "cloudpickle":
        return true
      case "urllib": return call.path.hasPrefix("urllib.request")
      case "http": return call.path.hasPrefix("http.client") || call.path.hasPrefix("http.server")
      case "importlib": return last == "import_module" || last == "reload" || last == "exec_module"
      case "shutil": return last == "rmtree" || last == "move"
      case "torch": return ["torch.hub.load", "torch.ops.load_library", "torch.load"].contains(call.path)
      default: return false
      }
    }
  }

  private static let systemCalls = [
    "system", "popen", "exec", "spawn", "posix_spawn", "fork", "remove", "unlink", "rmdir", "kill",
    "startfile",
    "putenv", "rename",
  ]
}
