"""The other scanners: how they are installed (each in an environment of its own) and how they are run.

Every scanner is a process. Over a corpus a process scans many files, so that start-up counts once; over a single
checkpoint it scans one, start-up included. A verdict is what the tool's exit code or report says: flagged or not.
Files are given to the tools under their own names; nothing is loaded."""
import json, os, subprocess, sys, tempfile

# What the tool's own packaging forgets.
PACKAGES = {"picklescan": ["picklescan[7z]"], "modelscan": ["modelscan"], "fickling": ["fickling", "typing_extensions"], "modelaudit": ["modelaudit"]}
QUIET = {**os.environ, "PROMPTFOO_DISABLE_TELEMETRY": "1", "NO_ANALYTICS": "1", "PYTHONWARNINGS": "ignore"}

# Programs that scan the files named on standard input, one verdict a line. They use the tool's own entry for one file.
PICKLESCAN = """
import json, logging, sys
from picklescan.scanner import scan_file_path
logging.getLogger("picklescan").setLevel(logging.CRITICAL)
strict = {"strict": True} if sys.argv[1:] == ["--strict"] else {}
for path in sys.stdin.read().splitlines():
    try:
        flagged = scan_file_path(path, **strict).issues_count > 0
    except BaseException:
        flagged = False
    print(json.dumps([path, flagged]), flush=True)
"""
FICKLING = """
import json, sys, zipfile
from fickling.analysis import Severity, check_safety
from fickling.fickle import StackedPickle
def pickles(path):
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith((".pkl", ".pickle")):
                    yield from StackedPickle.load(archive.read(name))
    else:
        with open(path, "rb") as file:
            yield from StackedPickle.load(file)
for path in sys.stdin.read().splitlines():
    flagged = False
    try:
        for pickle in pickles(path):
            flagged = flagged or check_safety(pickle).severity > Severity.LIKELY_SAFE
    except BaseException:
        pass
    print(json.dumps([path, flagged]), flush=True)
"""


def environment(root, tool):
    return os.path.join(root, tool)


def install(root, tool):
    """Installs a tool; returns its version, or None with the reason printed."""
    folder = environment(root, tool)
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    if not os.path.exists(os.path.join(folder, "installed")):
        run = subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES[tool]], capture_output=True, text=True)
        if run.returncode:
            print(f"{tool} does not install: {(run.stderr or run.stdout).strip().splitlines()[-1]}", file=sys.stderr)
            return None
        open(os.path.join(folder, "installed"), "w").close()
    run = subprocess.run([python, "-c", f"import importlib.metadata as m; print(m.version('{tool}'))"], capture_output=True, text=True)
    return run.stdout.strip() or None


def neural_scope(binary):
    def scan(files):
        flagged = {}
        with tempfile.NamedTemporaryFile() as out:
            # Folder by folder: the tool takes one path.
            for folder in sorted({os.path.dirname(f) for f in files}):
                subprocess.run([binary, "security", folder, "--json"], stdout=open(out.name, "wb"), stderr=subprocess.DEVNULL)
                report = json.load(open(out.name))
                entries = report if isinstance(report, list) else report.get("files") or report.get("verdicts") or [report]
                flagged |= {f["path"]: f["verdict"] == "unsafe" for f in entries}
        return flagged

    return scan, lambda path: [binary, "security", path]


def lines(command, program, files):
    run = subprocess.run([*command[:1], "-c", program, *command[1:]], input="\n".join(files), capture_output=True, text=True, env=QUIET)
    return dict(json.loads(line) for line in run.stdout.splitlines() if line.startswith("["))


def picklescan(root, *options):
    binary = os.path.join(environment(root, "picklescan"), "bin")
    scan = lambda files: lines([os.path.join(binary, "python"), *options], PICKLESCAN, files)
    return scan, lambda path: [os.path.join(binary, "picklescan"), *options, "-p", path]


def fickling(root):
    binary = os.path.join(environment(root, "fickling"), "bin")
    scan = lambda files: lines([os.path.join(binary, "python")], FICKLING, files)
    return scan, lambda path: [os.path.join(binary, "fickling"), "--check-safety", path]


def modelscan(root):
    binary = os.path.join(environment(root, "modelscan"), "bin", "modelscan")

    def scan(files):
        flagged = dict.fromkeys(files, False)
        for folder in sorted({os.path.dirname(f) for f in files}):
            with tempfile.NamedTemporaryFile(suffix=".json") as out:
                subprocess.run([binary, "-p", folder, "-r", "json", "-o", out.name], capture_output=True, env=QUIET)
                report = json.load(open(out.name))
            for issue in report.get("issues", []):
                source = issue.get("source", "").split(":")[0]
                flagged[source if os.path.isabs(source) else os.path.join(folder, source)] = True
        return flagged

    return scan, lambda path: [binary, "-p", path]


def modelaudit(root):
    binary = os.path.join(environment(root, "modelaudit"), "bin", "modelaudit")

    def scan(files):
        flagged = dict.fromkeys(files, False)
        names = sorted(files, key=len, reverse=True)
        for folder in sorted({os.path.dirname(f) for f in files}):
            with tempfile.NamedTemporaryFile(suffix=".json") as out:
                subprocess.run([binary, "scan", folder, "--format", "json", "--output", out.name, "--quiet", "--no-cache"], capture_output=True, env=QUIET)
                report = json.load(open(out.name))
            for issue in report.get("issues", []):
                if issue.get("severity") not in ("critical", "warning", "error"):
                    continue
                location = str(issue.get("location") or "")
                hit = next((n for n in names if location.startswith(n)), None)
                if hit:
                    flagged[hit] = True
        return flagged

    return scan, lambda path: [binary, "scan", path, "--no-cache"]
