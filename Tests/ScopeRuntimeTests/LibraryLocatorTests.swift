import Foundation
import ScopeBytes
import ScopeRuntime
import Testing

@Suite final class LibraryLocatorTests {
  let root = FileManager.default.temporaryDirectory.appending(path: "library-locator-\(UUID())")

  deinit { try? FileManager.default.removeItem(at: root) }

  /// Creates an empty file and returns its path.
  @discardableResult func file(_ name: String, executable: Bool = false) throws -> String {
    let url = root.appending(path: name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data().write(to: url)
    if executable {
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: url.path())
    }
    return url.path()
  }

  func paths(
    _ library: LibraryDescription, _ environment: [String: String] = [:], executable: String? = nil,
    explicit: String? = nil
  ) -> [String] {
    LibraryLocator(environment: environment, executable: executable)
      .candidates(for: library, explicit: explicit).map(\.path)
  }

  @Test func projectFolderThenPythonThenSystem() throws {
    let tool = try file("a/b/bin/neural-scope")
    let older = try file("a/.runtime/openvino-2025.1.0/lib/libopenvino_c.so.2510")
    let newer = try file("a/.runtime/openvino-2026.4.1/lib/libopenvino_c.so.2641")
    try file("a/.runtime/openvino-2026.4.1/lib/libopenvino.so.2641")
    try file("a/.runtime/onnxruntime-1.31.1/lib/libonnxruntime.so.1.31.1")
    let active = try file("venv/lib/python3.11/site-packages/openvino/libs/libopenvino_c.so.2641")
    try file("python/bin/python3", executable: true)
    let onPath = try file("python/lib/python3.12/dist-packages/openvino/libs/libopenvino_c.so.2600")
    let own = try file("home/.local/lib/python3.9/site-packages/openvino/libs/libopenvino_c.so.2500")
    let environment = [
      "VIRTUAL_ENV": root.path() + "/venv", "PATH": "\(root.path())/python/bin:/nowhere/bin",
      "HOME": root.path() + "/home",
    ]
    let found = paths(.openVINO, environment, executable: tool)
    #expect(
      found.map { $0.replacing("//", with: "/") } == [newer, older, active, onPath, own, "libopenvino_c.so"])
    #expect(
      !LibraryLocator(environment: environment, executable: tool).candidates(for: .openVINO)[0].isExplicit)
  }

  @Test func nearestRuntimeFolderIsTaken() throws {
    let tool = try file("a/b/neural-scope")
    try file("a/.runtime/openblas-1/lib/libscipy_openblas.so")
    let near = try file("a/b/.runtime/openblas-2/lib/libscipy_openblas.so")
    #expect(paths(.openBLAS, executable: tool).first == near)
    #expect(paths(.openBLAS, executable: tool).count == 1 + LibraryDescription.openBLAS.systemNames.count)
  }

  @Test func aNamedPlaceIsTheOnlyOne() throws {
    let library = try file("site/openvino/libs/libopenvino_c.so.2641")
    let folders = ["site", "site/openvino", "site/openvino/libs", "site/openvino/libs/libopenvino_c.so.2641"]
    for folder in folders {
      let named = root.path() + "/" + folder
      for candidates in [
        LibraryLocator(environment: [:], executable: nil).candidates(for: .openVINO, explicit: named),
        LibraryLocator(environment: ["NEURAL_SCOPE_OPENVINO": named], executable: nil)
          .candidates(for: .openVINO),
      ] {
        #expect(candidates.count == 1)
        #expect(candidates[0].isExplicit)
        #expect(candidates[0].path.replacing("//", with: "/") == library)
      }
    }
    // A folder without the library is named as it is, so that the loader's message names it.
    #expect(paths(.openVINO, explicit: "/nowhere") == ["/nowhere"])
    // The explicit path wins over the environment.
    #expect(paths(.openVINO, ["NEURAL_SCOPE_OPENVINO": root.path()], explicit: "/nowhere") == ["/nowhere"])
  }

  /// The working directory may hold downloads: nothing relative is looked into.
  @Test func relativePlacesAreNotLookedInto() throws {
    let relative = ["VIRTUAL_ENV": "venv", "CONDA_PREFIX": ".", "PATH": "./bin:bin:.", "HOME": "home"]
    #expect(
      paths(.onnxRuntime, relative, executable: "neural-scope") == LibraryDescription.onnxRuntime.systemNames)
  }

  @Test func loadTakesTheFirstThatWorks() throws {
    let tool = try file("neural-scope")
    let second = try file(".runtime/openblas-1/lib/libscipy_openblas.so")
    let first = try file(".runtime/openblas-2/lib/libscipy_openblas.so")
    let locator = LibraryLocator(environment: [:], executable: tool)
    var tried: [String] = []
    let taken = try locator.load(.openBLAS) { (path: String) throws(ScopeError) -> String in
      tried.append(path)
      if path == first { throw ScopeError(.engineUnavailable, "too old") }
      return path
    }
    #expect(taken == second)
    #expect(tried == [first, second])
  }

  @Test func errorsNameThePlacesAndTheRemedy() throws {
    let locator = LibraryLocator(environment: [:], executable: nil)
    let error = #expect(throws: ScopeError.self) {
      try locator.load(.openVINO) { (path: String) throws(ScopeError) -> Int in
        throw ScopeError(.engineUnavailable, "no", file: path)
      }
    }
    #expect(error?.code == .engineUnavailable)
    #expect(error?.found == "libopenvino_c.so: no")
    #expect(error?.remedy?.contains("--openvino PATH or NEURAL_SCOPE_OPENVINO") == true)
    // A named library's own error is not hidden behind "not found".
    let file = try file("text.so")
    let named = #expect(throws: ScopeError.self) { try Engine.load(path: file) }
    #expect(named?.file == file)
    #expect(named?.remedy?.hasPrefix("Name another library") == true)
    #expect(throws: ScopeError.self) { try Engine.load(path: "/nowhere/at/all") }
  }
}
