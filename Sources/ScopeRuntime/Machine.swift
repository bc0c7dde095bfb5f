import FoundationEssentials

/// The machine measurements are taken on.
public struct Machine: Sendable, Hashable {
  /// CPU model name as the system reports it.
  public var cpu: String
  /// Logical cores available to this process.
  public var cores: Int
  /// Physical memory in bytes.
  public var memoryBytes: Int
  /// Operating system name and version.
  public var operatingSystem: String
  /// Vector instruction sets that decide which integer kernels run (`avx2`, `avx512_vnni`, `avx_vnni`, `amx_int8` ...).
  public var vectorExtensions: [String]

  static let coreCount = ProcessInfo.processInfo.activeProcessorCount

  public static let current: Machine = {
    let cpuInfo = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    func field(_ name: String) -> String? {
      for line in cpuInfo.split(separator: "\n") where line.hasPrefix(name) {
        guard let colon = line.firstIndex(of: ":") else { continue }
        return String(line[line.index(after: colon)...].drop { $0 == " " })
      }
      return nil
    }
    let flags = Set((field("flags") ?? field("Features") ?? "").split(separator: " ").map(String.init))
    let known = ["avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm", "sve"]
    let release = (try? String(contentsOfFile: "/etc/os-release", encoding: .utf8)) ?? ""
    let pretty = release.split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }
      .map { $0.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" } }
    return Machine(
      cpu: field("model name") ?? "unknown CPU", cores: coreCount,
      memoryBytes: Int(clamping: ProcessInfo.processInfo.physicalMemory), operatingSystem: pretty ?? "Linux",
      vectorExtensions: known.filter(flags.contains))
  }()
}
