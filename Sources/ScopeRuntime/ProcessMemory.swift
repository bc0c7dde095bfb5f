import FoundationEssentials

/// What the system says about memory, from `/proc`; nil elsewhere.
public enum ProcessMemory {
  /// Resident memory of this process, bytes: its own pages and those of mapped files that it touched.
  public static var resident: Int? { field("VmRSS", in: "/proc/self/status") }
  /// The most it ever was since the process began, or since ``resetPeak()``.
  public static var peakResident: Int? { field("VmHWM", in: "/proc/self/status") }
  /// Memory of the machine that can be used without swapping, bytes.
  public static var available: Int? { field("MemAvailable", in: "/proc/meminfo") }

  /// Makes the peak what is resident now.
  ///
  /// - Returns: false where the system does not allow it.
  @discardableResult public static func resetPeak() -> Bool {
    (try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)) != nil
  }

  /// `VmRSS:     1234 kB`
  package static func field(_ name: String, in path: String) -> Int? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix("\(name):") {
      let parts = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard parts.count >= 2, let kibibytes = Int(parts[1]) else { return nil }
      let (bytes, overflow) = kibibytes.multipliedReportingOverflow(by: 1024)
      return overflow ? nil : bytes
    }
    return nil
  }
}
