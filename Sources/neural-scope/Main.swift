import ArgumentParser
import ScopeBytes
import ScopeFormats
import ScopeGraph
import ScopeRuntime
@main struct Main: ParsableCommand {
  @Argument var path: String
  func run() throws {
    let c = ContinuousClock(); let t = c.now
    let b = try ByteSlice(mappingFile: path)
    let m = try ONNXReader.read(b, directory: ".")
    print(m.graph.nodes.count, m.opset, c.now - t)
    try AtomicFile.write(ONNXWriter.serialize(m), to: "/tmp/ref/rt.onnx")
    let e = try Engine.load()
    print(e.version, e.path)
    let s = try Session(engine: e, model: m.takingPixels(mean: [0.5,0.5,0.5], standardDeviation: [1,1,1]))
    print(s.inputs, s.outputs, s.loadTime)
    let f = ["input": HostArray([Float](repeating: 0.5, count: 3*224*224), [1,3,224,224])]
    print(try s.run(f)["logits"]!.floats.prefix(5))
    let l = try LatencyBenchmark.measure(s, feeds: f, batch: 1)
    print(l.medianMilliseconds, l.samples.count, l.warmUpRuns, l.medianInterval)
    let p = try Session(engine: e, model: m, options: .init(profilePrefix: "/tmp/ref/prof"))
    _ = try p.run(f)
    print(try p.endProfiling().prefix(3), Machine.current)
  }
}
