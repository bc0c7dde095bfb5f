import FoundationEssentials
import ScopeBytes

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
  /// Vector instruction sets that decide which integer and half-precision kernels run (`avx2`, `avx512_vnni`, `avx_vnni`, `amx_int8` ...).
  public var vectorExtensions: [String]
  /// How the system sets the clock (`performance`, `powersave` ...); nil when it does not say, as in most virtual machines.
  public var frequencyGovernor: String?
  /// Whether the processor belongs to a virtual machine, whose neighbours may slow it down.
  public var isVirtual = false
  /// Cores' worth of time that the control group allows, where it limits them (containers).
  public var cpuLimit: Double?
  /// Size of the largest cache in bytes.
  public var lastLevelCacheBytes: Int?

  /// Twelve hexadecimal digits that are equal on machines that are alike in all of this (memory to the GiB): timings
  /// under different fingerprints are not comparable.
  public var fingerprint: String {
    let parts: [String] = [
      cpu, "\(cores)", "\((memoryBytes + (1 << 29)) >> 30)", operatingSystem,
      vectorExtensions.sorted().joined(separator: ","), frequencyGovernor ?? "", isVirtual ? "virtual" : "",
      cpuLimit.map { "\($0)" } ?? "", lastLevelCacheBytes.map { "\($0)" } ?? "",
    ]
    return String(ByteSlice(Array(parts.joined(separator: "|").utf8)).sha256.prefix(12))
  }

  /// Whether the processor computes in float16.
  public var hasHalfArithmetic: Bool {
    vectorExtensions.contains("avx512_fp16") || vectorExtensions.contains("asimdhp")
  }

  static let coreCount = ProcessInfo.processInfo.activeProcessorCount

  public static let current: Machine = {
    let cpuInfo = text("/proc/cpuinfo")
    func field(_ name: String) -> String? {
      for line in cpuInfo.split(separator: "\n") where line.hasPrefix(name) {
        guard let colon = line.firstIndex(of: ":") else { continue }
        return String(line[line.index(after: colon)...].drop { $0 == " " })
      }
      return nil
    }
    let flags = Set((field("flags") ?? field("Features") ?? "").split(separator: " ").map(String.init))
    let known = [
      "avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8", "avx512_fp16", "asimddp", "asimdhp", "i8mm",
      "sve",
    ]
    let release = text("/etc/os-release")
    let pretty = release.split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }
      .map { $0.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" } }
    var machine = Machine(
      cpu: field("model name") ?? "unknown CPU", cores: coreCount,
      memoryBytes: Int(clamping: ProcessInfo.processInfo.physicalMemory), operatingSystem: pretty ?? "Linux",
      vectorExtensions: known.filter(flags.contains))
    machine.frequencyGovernor = word("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    machine.isVirtual = flags.contains("hypervisor")
    machine.cpuLimit =
      cpuLimit(text("/sys/fs/cgroup/cpu.max"))
      ?? cpuLimit(
        "\(text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")) \(text("/sys/fs/cgroup/cpu/cpu.cfs_period_us"))")
    machine.lastLevelCacheBytes = (0..<5).compactMap {
      cacheSize(text("/sys/devices/system/cpu/cpu0/cache/index\($0)/size"))
    }.max()
    return machine
  }()

  /// Cores from `quota period` in microseconds; nil for `max` and for -1, which set no limit.
  package static func cpuLimit(_ text: String) -> Double? {
    let parts = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    guard parts.count == 2, parts[0] > 0, parts[1] > 0 else { return nil }
    return parts[0] / parts[1]
  }

  /// `32768K`, `96M`.
  package static func cacheSize(_ text: String) -> Int? {
    let trimmed = text.filter { !$0.isWhitespace }
    guard let number = Int(trimmed.prefix { $0.isNumber }), number > 0, number < 1 << 30 else { return nil }
    switch trimmed.last {
    case "K": return number << 10
    case "M": return number << 20
    default: return trimmed.allSatisfy(\.isNumber) ? number : nil
    }
  }

  /// An absent or unreadable file says nothing.
  private static func text(_ path: String) -> String {
    (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
  }

  private static func word(_ path: String) -> String? {
    text(path).split(whereSeparator: \.isWhitespace).first.map(String.init)
  }
}
