extension CallableCatalogue {
  /// Callables that read, write or delete files.
  static let fileCallables: [DangerGroup] = [
    DangerGroup(
      kind: .file, reason: "reads, writes or deletes files",
      paths: [
        "builtins.open", "builtins.file", "io.open", "io.FileIO", "io.open_code", "io.OpenWrapper", "codecs.open",
        "codecs.EncodedFile", "shutil.*", "tempfile.*", "fileinput.*", "linecache.*", "filecmp.*", "glob.*", "tarfile.*", "zipfile.*",
        "gzip.*", "bz2.open", "bz2.BZ2File", "lzma.open", "lzma.LZMAFile", "sqlite3.*", "_sqlite3.*", "mmap.*",
        "distutils.*", "configparser.RawConfigParser.read", "csv.reader", "logging.FileHandler",
        "logging.handlers.RotatingFileHandler", "logging.handlers.WatchedFileHandler", "logging.basicConfig",
        "pathlib.Path.write_text", "pathlib.Path.write_bytes", "pathlib.Path.read_text", "pathlib.Path.read_bytes",
        "pathlib.Path.open", "pathlib.Path.unlink", "pathlib.Path.rmdir", "pathlib.Path.rename", "pathlib.Path.replace",
        "pathlib.Path.touch", "pathlib.Path.mkdir", "pathlib.Path.chmod", "pathlib.Path.symlink_to",
        "pathlib.Path.hardlink_to", "pathlib.Path.iterdir", "pathlib.Path.glob", "pathlib.Path.rglob",
        "pathlib.PosixPath.write_text", "pathlib.PosixPath.write_bytes", "pathlib.PosixPath.read_text",
        "pathlib.PosixPath.read_bytes", "pathlib.PosixPath.open", "pathlib.PosixPath.unlink", "pathlib.PosixPath.rmdir",
        "pathlib.PosixPath.rename", "pathlib.PosixPath.replace", "pathlib.PosixPath.touch", "pathlib.PosixPath.mkdir",
        "pathlib.PosixPath.chmod", "pathlib.PosixPath.symlink_to", "pathlib.PosixPath.glob", "pathlib.PosixPath.iterdir",
        "pathlib.WindowsPath.write_text", "pathlib.WindowsPath.write_bytes", "pathlib.WindowsPath.open",
        "pathlib.WindowsPath.read_text", "pathlib.WindowsPath.unlink",
        "numpy.save", "numpy.savez", "numpy.savez_compressed", "numpy.savetxt", "numpy.loadtxt", "numpy.genfromtxt",
        "numpy.fromfile", "numpy.memmap", "numpy.core.memmap.memmap", "numpy.core.records.fromfile", "numpy.ndarray.tofile",
        "numpy.ndarray.dump", "numpy.lib.npyio.*", "numpy.lib._npyio_impl.*", "numpy.DataSource", "numpy.lib._datasource.*",
        "torch.save", "torch.from_file", "torch.UntypedStorage.from_file", "torch.storage.UntypedStorage.from_file",
        "torch.storage.TypedStorage.from_file", "torch.FloatStorage.from_file", "torch._C._from_file", "torch.storage._StorageBase.from_file", "pandas.io.*",
        "pandas.read_csv", "pandas.read_json", "pandas.read_html", "pandas.read_xml", "pandas.read_hdf", "pandas.HDFStore",
        "pandas.DataFrame.to_csv", "pandas.core.frame.DataFrame.to_csv", "pandas.core.generic.NDFrame.to_csv",
        "scipy.io.*", "h5py.*", "tables.*", "PIL.Image.open", "PIL.Image.Image.save", "cv2.imread", "cv2.imwrite",
        "matplotlib.pyplot.*", "imageio.*", "skimage.io.*", "torchvision.io.*", "torchaudio.*", "joblib.dump", "safetensors.*",
        "json.load", "json.dump", "netrc.*", "mailbox.*", "wave.*", "aifc.*", "sunau.*", "ossaudiodev.*", "zipfile.ZipFile",
        "_pyio.open", "setuptools.archive_util.*", "lib2to3.pgen2.grammar.Grammar.load", "torch.utils.tensorboard.*",
        "torch.utils.data.datapipes.iter.fileopener.*", "symtable.*", "tokenize.open", "tabnanny.*", "xml.etree.ElementTree.parse",
        "pkg_resources.*", "dumbdbm.*", "anydbm.*", "getpass.*", "pwd.*", "spwd.*", "grp.*", "crypt.*",
      ]),
  ]
}
