import ScopeArchitectures
import ScopeBytes
import ScopeData
import ScopeFormats
import ScopeGraph

/// A model file with what was recognised in it.
public struct LoadedModel: Sendable {
  public let file: ModelFile
  /// Weights without a graph, as the file holds them.
  public let weights: StateDict?
  /// The known architecture of those weights.
  public let architecture: RecognisedArchitecture?
  /// The graph that can be executed: the file's own, or the one built for the recognised architecture.
  public let graph: Model?
  /// Why there is no graph and what would make the model executable; nil when there is one.
  public let notExecutable: String?

  /// Why a PyTorch program could not be converted, operator and place named; nil for everything else.
  public var conversionError: ScopeError? {
    if case .program(_, .failed(let error)) = file.content { error.inFile(file.path) } else { nil }
  }

  /// Whether the graph was converted from the program that the file holds.
  var isProgram: Bool { if case .program(_, .graph) = file.content { true } else { false } }

  /// Reads the file by content; weights stay in the mapped file.
  ///
  /// - Parameter shapes: shapes of inputs by name, for a program that does not tell them.
  /// - Throws: what the reading throws, with the file's path.
  public init(path: String, shapes: [String: Shape] = [:]) throws(ScopeError) {
    file = try Self.read(path, shapes)
    switch file.content {
    case .graph(let model):
      weights = nil
      architecture = nil
      graph = model
      notExecutable = nil
    case .program(let state, .graph(let model)):
      weights = state
      architecture = ArchitectureRegistry.recognise(state)
      graph = model
      notExecutable = nil
    case .program(let state, .failed(let error)):
      weights = state
      architecture = ArchitectureRegistry.recognise(state)
      do throws(ScopeError) {
        graph = try architecture?.build(state)
      } catch {
        throw error.inFile(path)
      }
      notExecutable = graph == nil ? error.description : nil
    case .weights(let state):
      weights = state
      architecture = ArchitectureRegistry.recognise(state)
      do throws(ScopeError) {
        graph = try architecture?.build(state)
      } catch {
        throw error.inFile(path)
      }
      notExecutable = graph == nil ? ArchitectureRegistry.howToMakeExecutable(state) : nil
    case .description(let description):
      weights = nil
      architecture = nil
      graph = nil
      notExecutable = description.notExecutable
    }
  }

  /// A TorchScript archive does not tell its input shapes: where the user gives them, it is converted for them.
  private static func read(_ path: String, _ shapes: [String: Shape]) throws(ScopeError) -> ModelFile {
    let file = try ModelReader.read(path: path)
    guard !shapes.isEmpty, file.format == .torchScript, case .program(_, let program) = file.content else {
      return file
    }
    switch program {
    case .graph(let model):
      // In the program's order; an input that is not given keeps what was found for it.
      let ordered = model.graph.requiredInputs.compactMap { shapes[$0.name] ?? $0.shape }
      guard ordered.count == model.graph.requiredInputs.count,
        model.graph.requiredInputs.contains(where: { shapes[$0.name] != nil })
      else { return file }
      return try ModelReader.read(path: path, inputShapes: ordered)
    case .failed:
      guard shapes.count == 1, let shape = shapes.values.first else { return file }
      return try ModelReader.read(path: path, inputShapes: [shape])
    }
  }

  /// The executable graph.
  ///
  /// - Throws: `unsupported` saying what would make the model executable.
  public func executableGraph() throws(ScopeError) -> Model {
    guard let graph else {
      throw ScopeError(
        .unsupported, "the model cannot be executed", file: file.path,
        found: weights.map { "\($0.tensors.count) tensors without a graph" }, remedy: notExecutable)
    }
    return graph
  }

  /// The image input of the executable graph: name and, where fixed, channels, height and width.
  func imageInput() throws(ScopeError) -> ImageInput {
    let graph = try executableGraph().graph
    guard graph.requiredInputs.count == 1, let input = graph.requiredInputs.first, input.dataType == .float32,
      let shape = input.shape, shape.rank == 4
    else {
      throw ScopeError(
        .unsupported, "this needs an image classifier", file: file.path,
        expected: "one float32 input [N, C, H, W]",
        found: graph.requiredInputs.map {
          "\($0.name): \($0.dataType?.name ?? "?") \($0.shape?.description ?? "?")"
        }
        .joined(separator: ", "),
        remedy: "Use `neural-scope analyze` and `neural-scope security`, which take any model")
    }
    let sizes = shape.dimensions.map(\.value)
    var size: Preprocessing.Size?
    if let height = sizes[2], let width = sizes[3] { size = Preprocessing.Size(height: height, width: width) }
    return ImageInput(name: input.name, batch: sizes[0], channels: sizes[1] ?? 3, size: size)
  }
}

/// The single image input of a classifier.
struct ImageInput: Sendable {
  let name: String
  /// Fixed batch size, nil when any is taken.
  let batch: Int?
  let channels: Int
  /// Fixed height and width, nil when any are taken.
  let size: Preprocessing.Size?
}
