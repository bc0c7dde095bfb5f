#!/usr/bin/env python3
"""Validates policies given as JSON (a list of [policy, whether it is valid]) against the published schema.

  python check_policy.py SCHEMA < cases.json      exit 0 all as said, 1 one is not, 77 jsonschema is not installed
"""
import json, sys
try:
    import jsonschema
except ImportError:
    sys.exit(77)
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
wrong = [case for case, valid in json.load(sys.stdin) if validator.is_valid(case) != valid]
print(wrong)
sys.exit(1 if wrong else 0)
