import ScopeBytes
import ScopeGraph

/// A format recognised by content.
public enum ModelFormat: String, Sendable, Codable, CaseIterable {
  case onnx
  case pyTorchZip = "pytorch-zip"
  case pyTorchLegacy = "pytorch-legacy"
  case pickle
  case torchScript = "torchscript"
  case torchExport = "torch-export"
  case safetensors
  case safetensorsSharded = "safetensors-sharded"
  case pyTorchSharded = "pytorch-sharded"
  case numpyArchive = "npz"
  case zip
  case gguf
  case tensorFlowLite = "tflite"
  case keras
  case kerasHDF5 = "keras-h5"
  case unknown
}

/// What a model file holds.
public enum ModelContent: Sendable {
  /// A graph that can be executed.
  case graph(Model)
  /// Weights without a graph.
  case weights(StateDict)
  /// A traced, scripted or exported PyTorch program: its weights, and its graph converted to ONNX operators.
  case program(StateDict, ConvertedProgram)
  /// A model that is read and described, not executed here.
  case description(ModelDescription)
}

/// The graph of a PyTorch program, or why it could not be converted.
public enum ConvertedProgram: Sendable {
  case graph(Model)
  /// Names the operator and the place in the program.
  case failed(ScopeError)
}

/// A model file that has been read; its weights still lie in the mapped file.
public struct ModelFile: Sendable {
  /// As the user gave it.
  public var path: String
  public var format: ModelFormat
  public var content: ModelContent
  /// Size of the file, external data and shards included, in bytes.
  public var byteCount: Int
  /// The main file's bytes.
  public var bytes: ByteSlice
  /// The folder, when the user gave one and the model was found in it.
  public var folder: String?
  /// What the `config.json` beside the model says.
  public var configuration: HuggingFaceConfiguration?
  /// Remarks of the reading: what was passed over, what beside the model cannot be used.
  public var notes: [String] = []

  public init(path: String, format: ModelFormat, content: ModelContent, byteCount: Int, bytes: ByteSlice) {
    self.path = path
    self.format = format
    self.content = content
    self.byteCount = byteCount
    self.bytes = bytes
  }
}
