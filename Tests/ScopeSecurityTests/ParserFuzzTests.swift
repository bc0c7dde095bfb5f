import Foundation
import ScopeBytes
import ScopeFormats
import ScopeSecurity
import TestSupport
import Testing

/// Every parser on damaged inputs: nothing may crash, take more than a second or add more than 256 MiB. The suite runs
/// a few hundred inputs each; `make fuzz` runs ten minutes each.
@Suite(.serialized) struct ParserFuzzTests {
  struct Target: Sendable, CustomTestStringConvertible {
    var name: String
    var extensions: [String]
    /// What the bytes are called: some parsers are chosen by the name.
    var path: String

    var testDescription: String { name }
  }

  /// Those named in NEURAL_SCOPE_FUZZ_PARSERS, separated by commas, so that several processes can share the work; else all.
  static let targets: [Target] = {
    guard let names = ProcessInfo.processInfo.environment["NEURAL_SCOPE_FUZZ_PARSERS"] else { return all }
    let wanted = names.split(separator: ",").map(String.init)
    return all.filter { wanted.contains($0.name) }
  }()

  private static let all: [Target] = [
    Target(name: "pickle", extensions: ["pkl"], path: "x.pkl"),
    Target(name: "torch", extensions: ["pt", "pth", "ckpt", "pt2"], path: "x.pt"),
    Target(name: "zip", extensions: ["zip", "npz", "mar", "keras"], path: "x.zip"),
    Target(name: "tar", extensions: ["tar", "nemo"], path: "x.tar"),
    Target(name: "codecs", extensions: ["gz", "bz2", "xz", "lzma", "lz4", "zst", "zz"], path: "x.gz"),
    Target(name: "7z", extensions: ["7z"], path: "x.7z"),
    Target(name: "numpy", extensions: ["npy"], path: "x.npy"),
    Target(name: "joblib", extensions: ["joblib"], path: "x.joblib"),
    Target(name: "safetensors", extensions: ["safetensors"], path: "x.safetensors"),
    Target(name: "onnx", extensions: ["onnx"], path: "x.onnx"),
    Target(name: "hdf5", extensions: ["h5", "hdf5"], path: "x.h5"),
    Target(name: "gguf", extensions: ["gguf"], path: "x.gguf"),
    Target(name: "tflite", extensions: ["tflite"], path: "x.tflite"),
    Target(name: "tensorflow", extensions: ["pb"], path: "saved_model.pb"),
    Target(name: "json", extensions: ["json"], path: "tokenizer_config.json"),
    Target(name: "jinja", extensions: ["jinja", "j2"], path: "chat_template.jinja"),
    Target(name: "yaml", extensions: ["yaml"], path: "model_config.yaml"),
    Target(name: "python", extensions: ["py"], path: "handler.py"),
  ]

  @Test(arguments: targets) func scanner(_ target: Target) throws {
    let seeds = try FuzzCampaign.seeds(target.extensions)
    // A format whose fixtures are not there yet has nothing to damage.
    guard !seeds.isEmpty else { return }
    let campaign = FuzzCampaign(name: "scan-\(target.name)")
    let (count, problems) = try campaign.run(seeds: seeds, seed: 0x5EED) { bytes in
      _ = SecurityScanner().scan(bytes, path: target.path)
    }
    #expect(problems.isEmpty, "\(target.name): \(problems)")
    #expect(count > 0)
    if FuzzCampaign.seconds != nil {
      print("scanner \(target.name): \(count) inputs from \(seeds.count) seeds")
    }
  }

  @Test(
    arguments: targets.filter { !["codecs", "7z", "joblib", "jinja", "yaml", "python"].contains($0.name) })
  func reader(_ target: Target) throws {
    let seeds = try FuzzCampaign.seeds(target.extensions)
    guard !seeds.isEmpty else { return }
    let campaign = FuzzCampaign(name: "read-\(target.name)")
    let (count, problems) = try campaign.run(seeds: seeds, seed: 0xF00D) { bytes in
      _ = try? ModelReader.read(bytes, path: "/nonexistent/\(target.path)")
    }
    #expect(problems.isEmpty, "\(target.name): \(problems)")
    #expect(count > 0)
    if FuzzCampaign.seconds != nil {
      print("reader \(target.name): \(count) inputs from \(seeds.count) seeds")
    }
  }

  /// The same seed gives the same inputs, so that a failure can be repeated.
  @Test func inputsAreRepeatable() throws {
    let seeds = try FuzzCampaign.seeds(["tar"])
    try #require(!seeds.isEmpty)
    var (a, b) = (InputMutator(seeds: seeds, seed: 9), InputMutator(seeds: seeds, seed: 9))
    for _ in 0..<50 { #expect(a.next() == b.next()) }
  }
}
