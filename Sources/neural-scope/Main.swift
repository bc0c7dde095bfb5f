import ArgumentParser
import NeuralScope
@main struct Main: ParsableCommand {
  func run() throws {}
}
