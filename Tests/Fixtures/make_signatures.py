#!/usr/bin/env python3
"""Writes signatures/: a small model, test keys and certificates, and signatures that the reference implementation made.

Needs model-signing (with its cryptography and pyOpenSSL). The keyless bundle is made by a certificate authority and a
transparency log of this script: the reference can only make one with a Sigstore service.

    python Tests/Fixtures/make_signatures.py

`check_signature.py SIGNATURE MODEL KEY` is the other direction: the reference reads what neural-scope signed.
"""
import base64, datetime, hashlib, json, os, pathlib, shutil, struct, subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID as EKU, NameOID, ObjectIdentifier

import model_signing

HERE = pathlib.Path(__file__).parent / "signatures"
shutil.rmtree(HERE, ignore_errors=True)
MODEL = HERE / "model"
(MODEL / "sub").mkdir(parents=True)
(MODEL / "weights.bin").write_bytes(b"the weights\n")
(MODEL / "config.json").write_bytes(b"{}\n")
(MODEL / "sub" / "more.bin").write_bytes(b"")
(MODEL / ".gitattributes").write_bytes(b"*.bin binary\n")
(HERE / "single.bin").write_bytes(b"one file\n")
PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
CURVES = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
private = lambda key, form=PKCS8: key.private_bytes(PEM, form, serialization.NoEncryption())
public = lambda key: key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
keys = {}
for name, curve in CURVES.items():
    keys[name] = ec.generate_private_key(curve)
    form = serialization.PrivateFormat.TraditionalOpenSSL if name == "p384" else PKCS8
    (HERE / f"{name}.key.pem").write_bytes(private(keys[name], form))
    (HERE / f"{name}.pub.pem").write_bytes(public(keys[name]))
    model_signing.signing.Config().use_elliptic_key_signer(private_key=HERE / f"{name}.key.pem").sign(MODEL, HERE / f"{name}.sig")
signer = model_signing.signing.Config().use_elliptic_key_signer(private_key=HERE / "p256.key.pem")
signer.sign(HERE / "single.bin", HERE / "single.bin.sig")
shards = model_signing.hashing.Config().use_shard_serialization(shard_size=5)
model_signing.signing.Config().use_elliptic_key_signer(private_key=HERE / "p256.key.pem").set_hashing_config(shards).sign(MODEL, HERE / "shards.sig")
blake = model_signing.hashing.Config().use_file_serialization(hashing_algorithm="blake2")
model_signing.signing.Config().use_elliptic_key_signer(private_key=HERE / "p256.key.pem").set_hashing_config(blake).sign(MODEL, HERE / "blake2.sig")
shutil.copytree(MODEL, HERE / "signed")
model_signing.signing.Config().use_elliptic_key_signer(private_key=HERE / "p256.key.pem").set_hashing_config(
    model_signing.hashing.Config().set_ignored_paths(paths=["model.sig"])).sign(HERE / "signed", HERE / "signed" / "model.sig")

# --- certificates
START = datetime.datetime(2025, 1, 1)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer, issuer_key, authority=None, days=3650, extensions=(), start=START, hash=hashes.SHA256(), usage=True):
    b = x509.CertificateBuilder().subject_name(name(subject) if subject else x509.Name([])).issuer_name(name(issuer)).public_key(key.public_key())
    b = b.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(start + datetime.timedelta(days=days))
    if authority is not None:
        b = b.add_extension(x509.BasicConstraints(True, authority if authority >= 0 else None), True)
    else:
        b = b.add_extension(x509.BasicConstraints(False, None), True)
    b = b.add_extension(x509.KeyUsage(authority is None and usage, False, False, False, False, authority is not None, False, False, False), True)
    for extension, critical in extensions:
        b = b.add_extension(extension, critical)
    return b.sign(issuer_key, hash)


root_key, middle_key, other_key = (ec.generate_private_key(c) for c in (ec.SECP384R1(), ec.SECP256R1(), ec.SECP256R1()))
root = certificate("Test Root", root_key, "Test Root", root_key, 1, hash=hashes.SHA384())
middle = certificate("Test Intermediate", middle_key, "Test Root", root_key, 0, hash=hashes.SHA384())
other = certificate("Other Root", other_key, "Other Root", other_key, 1)
leaf = certificate("Test Signer", keys["p256"], "Test Intermediate", middle_key, extensions=[(x509.ExtendedKeyUsage([EKU.CODE_SIGNING]), False)])
useless = certificate("Not For Signing", keys["p256"], "Test Intermediate", middle_key, usage=False)
pem = lambda *c: b"".join(x.public_bytes(PEM) for x in c)
(HERE / "root.pem").write_bytes(pem(root))
(HERE / "other-root.pem").write_bytes(pem(other))
for label, cert in (("certificate", leaf), ("useless", useless)):
    for file, value in (("leaf.pem", cert), ("chain.pem", middle)):
        (HERE / file).write_bytes(pem(value))
    model_signing.signing.Config().use_certificate_signer(private_key=HERE / "p256.key.pem", signing_certificate=HERE / "leaf.pem", certificate_chain=[HERE / "chain.pem"]).sign(MODEL, HERE / f"{label}.sig")
    os.remove(HERE / "leaf.pem")
    os.remove(HERE / "chain.pem")
model_signing.verifying.Config().use_certificate_verifier(certificate_chain=[HERE / "root.pem"]).verify(MODEL, HERE / "certificate.sig")
# A signer's certificate that issues another: must not be accepted.
rogue_key = ec.generate_private_key(ec.SECP256R1())
rogue = certificate("Rogue", rogue_key, "Test Signer", keys["p256"])


def encoded(data):
    return base64.b64encode(data).decode()


def der(c):
    return c.public_bytes(serialization.Encoding.DER)


bundle = json.loads((HERE / "certificate.sig").read_text())
payload = base64.b64decode(bundle["dsseEnvelope"]["payload"])
pae = b"DSSEv1 28 application/vnd.in-toto+json %d " % len(payload) + payload
bundle["dsseEnvelope"]["signatures"][0]["sig"] = encoded(rogue_key.sign(pae, ec.ECDSA(hashes.SHA256())))
bundle["verificationMaterial"]["x509CertificateChain"]["certificates"] = [{"rawBytes": encoded(der(c))} for c in (rogue, leaf, middle)]
(HERE / "rogue.sig").write_text(json.dumps(bundle))

# --- keyless
fulcio_key, fulcio_middle_key, log_key, holder = (ec.generate_private_key(ec.SECP256R1()) for _ in range(4))
fulcio = certificate("Test Fulcio", fulcio_key, "Test Fulcio", fulcio_key, 1)
fulcio_middle = certificate("Test Fulcio Intermediate", fulcio_middle_key, "Test Fulcio", fulcio_key, 0)
when = datetime.datetime(2025, 6, 1, 12)
issuer = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.57264.1.8"), b"\x0c\x1aissuer.example.com/oidc/id"[:2] + b"issuer.example.com/oidc/id")
held = certificate("", holder, "Test Fulcio Intermediate", fulcio_middle_key, start=when, days=0.007, extensions=[
    (x509.SubjectAlternativeName([x509.RFC822Name("signer@example.com")]), True), (x509.ExtendedKeyUsage([EKU.CODE_SIGNING]), False), (issuer, False)])
sig = holder.sign(pae, ec.ECDSA(hashes.SHA256()))
body = json.dumps({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
    "envelopeHash": {"algorithm": "sha256", "value": "00" * 32}, "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
    "signatures": [{"signature": encoded(sig), "verifier": encoded(pem(held))}]}}, separators=(",", ":")).encode()
sha = lambda data: hashlib.sha256(data).digest()
leaves = [sha(b"\0entry %d" % i) for i in range(7)]
INDEX = 5
leaves[INDEX] = sha(b"\0" + body)


def tree(items, index=None):
    """Root and path of RFC 6962."""
    if len(items) == 1:
        return items[0], []
    k = 1
    while k * 2 < len(items):
        k *= 2
    left, left_path = tree(items[:k], index)
    right, right_path = tree(items[k:], None if index is None else index - k)
    path = []
    if index is not None:
        path = left_path + [right] if index < k else right_path + [left]
    return sha(b"\1" + left + right), path


merkle, path = tree(leaves, INDEX)
log_der = log_key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
log_id = sha(log_der)
note = f"log.example.com - 1\n{len(leaves)}\n{encoded(merkle)}\n"
checkpoint = note + "\n\u2014 log.example.com " + encoded(log_id[:4] + log_key.sign(note.encode(), ec.ECDSA(hashes.SHA256()))) + "\n"
seconds = int(when.replace(tzinfo=datetime.timezone.utc).timestamp()) + 30
promise = json.dumps({"body": encoded(body), "integratedTime": seconds, "logID": log_id.hex(), "logIndex": 1005}, sort_keys=True, separators=(",", ":")).encode()
entry = {"logIndex": "1005", "logId": {"keyId": encoded(log_id)}, "kindVersion": {"kind": "dsse", "version": "0.0.1"}, "integratedTime": str(seconds),
         "inclusionPromise": {"signedEntryTimestamp": encoded(log_key.sign(promise, ec.ECDSA(hashes.SHA256())))},
         "inclusionProof": {"logIndex": str(INDEX), "rootHash": encoded(merkle), "treeSize": str(len(leaves)), "hashes": [encoded(x) for x in path], "checkpoint": {"envelope": checkpoint}},
         "canonicalizedBody": encoded(body)}
keyless = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
           "verificationMaterial": {"certificate": {"rawBytes": encoded(der(held))}, "tlogEntries": [entry]},
           "dsseEnvelope": {"payload": encoded(payload), "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": encoded(sig)}]}}
(HERE / "keyless.sig").write_text(json.dumps(keyless))
window = {"start": "2025-01-01T00:00:00Z"}
(HERE / "trusted_root.json").write_text(json.dumps({
    "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "tlogs": [{"baseUrl": "https://log.example.com", "hashAlgorithm": "SHA2_256", "publicKey": {"rawBytes": encoded(log_der), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": window}, "logId": {"keyId": encoded(log_id)}}],
    "certificateAuthorities": [{"subject": {"commonName": "Test Fulcio"}, "uri": "https://fulcio.example.com", "validFor": window, "certChain": {"certificates": [{"rawBytes": encoded(der(fulcio_middle))}, {"rawBytes": encoded(der(fulcio))}]}}]}))
# Wrong in one place each.
import copy


def broken(label, change):
    b = copy.deepcopy(keyless)
    change(b["verificationMaterial"]["tlogEntries"][0], b)
    (HERE / f"keyless-{label}.sig").write_text(json.dumps(b))


broken("path", lambda e, b: e["inclusionProof"]["hashes"].reverse())
broken("time", lambda e, b: e.update(integratedTime=str(seconds + 1)))
broken("checkpoint", lambda e, b: e["inclusionProof"]["checkpoint"].update(envelope=checkpoint.replace("log.example.com - 1", "log.example.org - 1")))
broken("unlogged", lambda e, b: b["verificationMaterial"].update(tlogEntries=[]))
print(sorted(p.name for p in HERE.iterdir()))
