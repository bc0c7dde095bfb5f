import COnnxRuntime
import ScopeBytes

/// Owns an `OrtSessionOptions`.
@safe struct NativeOptions: ~Copyable {
  let handle: OpaquePointer
  private let engine: Engine

  init(engine: Engine, options: SessionOptions) throws(ScopeError) {
    var pointer: OpaquePointer?
    unsafe try engine.check(scope_ort_create_session_options(engine.api, &pointer))
    guard let pointer = unsafe pointer else {
      throw ScopeError(.engineFailure, "ONNX Runtime returned no session options")
    }
    do throws(ScopeError) {
      let threads = options.threads > 0 ? options.threads : Machine.coreCount
      unsafe try engine.check(scope_ort_set_intra_threads(engine.api, pointer, Int32(clamping: threads)))
      unsafe try engine.check(
        scope_ort_set_optimization_level(engine.api, pointer, options.optimization.rawValue))
      unsafe try engine.check(scope_ort_set_log_severity(engine.api, pointer, 4))
      if options.parallelExecution {
        unsafe try engine.check(scope_ort_set_execution_mode(engine.api, pointer, 1))
        // As many as the threads of an operator; the engine would take every core.
        unsafe try engine.check(scope_ort_set_inter_threads(engine.api, pointer, Int32(clamping: threads)))
      }
      if !options.cpuArena { unsafe try engine.check(scope_ort_disable_cpu_arena(engine.api, pointer)) }
      if let prefix = options.profilePrefix {
        unsafe try engine.check(scope_ort_enable_profiling(engine.api, pointer, prefix))
      }
      var entries = options.configuration
      if let path = options.optimizedModelPath {
        unsafe try engine.check(scope_ort_set_optimized_model_path(engine.api, pointer, path))
        // Apart from the graph, so that the graph can be read without them, and beyond protobuf's 2 GiB.
        let name = path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]
        entries["session.optimized_model_external_initializers_file_name"] = "\(name).weights"
        entries["session.optimized_model_external_initializers_min_size_in_bytes"] = "1024"
      }
      if !options.allowSpinning { entries["session.intra_op.allow_spinning"] = "0" }
      if options.parallelExecution, !options.allowSpinning {
        entries["session.inter_op.allow_spinning"] = "0"
      }
      for (key, value) in entries {
        unsafe try engine.check(scope_ort_add_config(engine.api, pointer, key, value))
      }
    } catch {
      unsafe scope_ort_release_session_options(engine.api, pointer)
      throw error
    }
    unsafe handle = pointer
    self.engine = engine
  }

  deinit { unsafe scope_ort_release_session_options(engine.api, handle) }
}
