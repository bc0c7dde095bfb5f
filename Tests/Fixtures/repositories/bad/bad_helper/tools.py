import subprocess
subprocess.run(['echo'])
