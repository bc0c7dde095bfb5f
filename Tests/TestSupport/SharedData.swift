import Foundation

/// Real images and checkpoints that may lie beside the checkout; tests that use them skip when they do not.
public enum SharedData {
  /// The repository's root folder.
  public static let repository = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// The folder, or nil when this machine does not have it. `NEURAL_SCOPE_TEST_DATA` overrides the place.
  public static let folder: URL? = {
    let candidates =
      [ProcessInfo.processInfo.environment["NEURAL_SCOPE_TEST_DATA"].map { URL(filePath: $0) }].compactMap {
        $0
      }
      + [
        repository.deletingLastPathComponent().appending(path: "shared/data"),
        URL(filePath: "/work/shared/data"),
      ]
    return candidates.first { FileManager.default.fileExists(atPath: $0.path()) }
  }()

  public static let reason = "needs the sample images and checkpoints (set NEURAL_SCOPE_TEST_DATA)"

  /// `name` inside the folder, or nil.
  public static func path(_ name: String) -> String? {
    guard let url = folder?.appending(path: name), FileManager.default.fileExists(atPath: url.path()) else {
      return nil
    }
    return url.path()
  }
}

/// Small committed files under `Tests/Fixtures`.
public enum Fixture {
  public static func path(_ name: String) -> String {
    SharedData.repository.appending(path: "Tests/Fixtures/\(name)").path()
  }
}
