#!/usr/bin/env python3
"""Has the reference implementation check a signature: check_signature.py SIGNATURE MODEL PUBLIC_KEY. Exit 0 if valid."""
import pathlib, sys

import model_signing

signature, model, key = map(pathlib.Path, sys.argv[1:])
config = model_signing.verifying.Config().use_elliptic_key_verifier(public_key=key)
config.verify(model, signature)
print("valid")
