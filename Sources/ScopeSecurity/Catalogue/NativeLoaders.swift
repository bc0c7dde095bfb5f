extension CallableCatalogue {
  /// Callables that load machine code.
  static let nativeLoaders: [DangerGroup] = [
    DangerGroup(
      kind: .nativeLoad, reason: "loads machine code or calls into it",
      paths: [
        "ctypes.*", "_ctypes.*", "cffi.*", "_cffi_backend.*", "torch.ops.*", "torch._ops.*",
        "torch.classes.*", "torch.cuda.memory.CUDAPluggableAllocator", "torch.cuda.CUDAPluggableAllocator",
        "torch.profiler._cupti_monitor.*", "torch.npu.*",
        "torch._classes.*", "torch._C._load_library", "torch.ops.load_library", "numpy.ctypeslib.*",
        "numpy.core._internal._ctypes",
        "tensorflow.load_op_library", "tensorflow.load_library", "onnxruntime.*", "winreg.*", "_winreg.*",
        "msvcrt.*", "win32api.*", "win32com.*",
        "pythoncom.*", "jnius.*", "jpype.*", "java.*", "clr.*", "comtypes.*", "gi.*", "llvmlite.*",
        "cupy.RawKernel", "cupy.RawModule",
        "cupy.*", "pycuda.*", "triton.*", "sqlite3.Connection.load_extension", "readline.*",
        "_testimportmultiple.*",
        "_imp.create_dynamic", "imp.load_dynamic", "importlib.machinery.ExtensionFileLoader", "mmap.mmap",
        "tvm.*",
        "tensorrt.*", "openvino.*",
      ])
  ]
}
