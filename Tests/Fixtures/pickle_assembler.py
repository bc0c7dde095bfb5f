"""A small assembler for pickles: each function returns the bytes that leave one object on the stack."""
import struct


def u(text):
    """A str of protocol 4 (SHORT_BINUNICODE or BINUNICODE)."""
    raw = text.encode()
    return b"\x8c" + bytes([len(raw)]) + raw if len(raw) < 256 else b"X" + struct.pack("<I", len(raw)) + raw


def by(raw):
    """bytes (BINBYTES)."""
    return b"B" + struct.pack("<I", len(raw)) + raw


def num(value):
    """An int of 32 bits (BININT)."""
    return b"J" + struct.pack("<i", value)


def g(module, name):
    """GLOBAL."""
    return f"c{module}\n{name}\n".encode()


def sg(module, name):
    """STACK_GLOBAL."""
    return u(module) + u(name) + b"\x93"


def t(*items):
    """A tuple."""
    return b"(" + b"".join(items) + b"t"


def lst(*items):
    """A list."""
    return b"](" + b"".join(items) + b"e"


def dct(**entries):
    """A dict with text keys."""
    return b"}(" + b"".join(u(k) + v for k, v in entries.items()) + b"u"


def call(callee, *arguments):
    """REDUCE."""
    return callee + t(*arguments) + b"R"


def new(callee, *arguments):
    """NEWOBJ."""
    return callee + t(*arguments) + b"\x81"


def build(target, state):
    """BUILD."""
    return target + state + b"b"


def p(body, protocol=4):
    """A whole pickle."""
    return b"\x80" + bytes([protocol]) + body + b"."
