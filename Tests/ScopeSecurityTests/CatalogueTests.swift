import ScopeSecurity
import Testing

@Suite struct CatalogueTests {
  @Test(arguments: [
    "os.system", "posix.execv", "subprocess.Popen", "builtins.eval", "__builtin__.exec", "runpy.run_path",
    "nt.system",
    "importlib.import_module", "marshal.loads", "_pickle.loads", "torch.load", "socket.socket", "io.FileIO",
    "_io.open",
    "ctypes.CDLL", "sys.modules", "torch.hub.load", "numpy.testing._private.utils.runstring",
    "pathlib.Path.write_text",
    "collections.OrderedDict.__init__.__globals__", "asyncio.unix_events._UnixSubprocessTransport._start",
    "torch._inductor.codecache.compile_file", "cloudpickle.cloudpickle._make_function",
    "numpy.f2py.crackfortran.getlincoef",
  ])
  func dangerous(_ path: String) {
    guard case .dangerous = CallableCatalogue.judge(path) else {
      Issue.record("\(path): \(CallableCatalogue.judge(path))")
      return
    }
  }

  @Test(arguments: [
    "torch.serialization.os.system", "random._os.system", "a.b.subprocess.Popen", "numpy.core.np.load",
    "mylib.utils.sys.modules", "x.y.builtins.eval", "somepackage.helpers.run_command",
    "torch.nn.functional.torch.load",
    "collections.abc.sys", "sklearn.utils.os.popen",
  ])
  func reexported(_ path: String) {
    guard case .reexport = CallableCatalogue.judge(path) else {
      Issue.record("\(path): \(CallableCatalogue.judge(path))")
      return
    }
  }

  @Test(arguments: [
    "collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch.FloatStorage",
    "torch.nn.modules.conv.Conv2d",
    "numpy._core.multiarray._reconstruct", "numpy.core.multiarray.scalar", "numpy.dtype",
    "sklearn.svm._classes.SVC",
    "pandas.core.frame.DataFrame", "scipy.sparse._csr.csr_matrix", "uuid.UUID", "re._compile",
    "_codecs.encode",
    "copy_reg._reconstructor", "__torch__.torch.nn.Module", "torchvision.models.resnet.ResNet",
    "argparse.Namespace",
    "transformers.training_args.TrainingArguments", "datetime.datetime", "pathlib.PosixPath",
    "builtins.ValueError",
    "torch.optim.adam.Adam", "torch.nn.modules.container.Sequential", "http.HTTPStatus", "enum.EnumMeta",
    "torch.ao.quantization.observer.MinMaxObserver", "sklearn.pipeline.Pipeline",
    "torch.distributed.tensor.DTensor",
  ])
  func inert(_ path: String) {
    guard case .inert = CallableCatalogue.judge(path) else {
      Issue.record("\(path): \(CallableCatalogue.judge(path))")
      return
    }
  }

  @Test(arguments: [
    "mypackage.Thing", "mylib.code.Settings", "project.os.Config", "__main__.Settings", "a.http.Handler",
  ])
  func unknown(_ path: String) {
    #expect(CallableCatalogue.judge(path) == .unknown)
  }
}
