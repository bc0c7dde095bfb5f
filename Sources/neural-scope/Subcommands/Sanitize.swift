import ArgumentParser
import NeuralScope
import ScopeReport

struct Sanitize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Converts a pickle checkpoint to safetensors without executing it.",
    discussion: """
      Tensors keep their bytes, shapes and types, which is checked after writing. Keys that lead to a tensor are joined \
      with dots, prefixes such as state_dict. and module. included; items of lists are named by their position. What is \
      not a tensor stops the conversion unless you say what to do with it.
      """)

  @Argument(help: "A checkpoint of torch.save (zip or legacy), a pickle of arrays, or .npz.")
  var input: String

  @Option(help: ArgumentHelp("Where to write the safetensors file.", valueName: "file"))
  var out: String

  @Flag(help: "Leave out what is not a tensor.")
  var dropNonTensors = false

  @Flag(help: "Write numbers and text into the metadata, as JSON under their names.")
  var keepScalars = false

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    var options = SanitizeOptions()
    options.dropsOthers = dropNonTensors
    options.keepsScalars = keepScalars
    let result = try NeuralScope.sanitize(input, to: out, options: options)
    if json { return Terminal.write(try JSONRenderer.encode(result)) }
    try Output.scan(result.scan, json: false)
    var text = "\nWrote \(result.tensors) tensors, \(result.bytes) bytes, to \(result.output)"
    text +=
      " (sha256 \(result.sha256)).\nRead back and compared: types, shapes and bytes are those of the input.\n"
    for name in result.shared { text += "written twice: \(name)\n" }
    for name in result.keptInMetadata { text += "kept in the metadata: \(name)\n" }
    for name in result.dropped { text += "left out: \(name)\n" }
    for note in result.notes { text += "\(note)\n" }
    Terminal.write(Terminal.printable(text))
  }
}
