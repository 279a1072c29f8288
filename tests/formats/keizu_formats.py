"""Keizu's record format, written a second time: from docs/formats.md alone, in nothing but Python's standard library.

Typed values and nodes are written as in vectors.json: {"int": "6"}, {"path": ["project", "hex of the path"]}.
Whatever is malformed raises ValueError.
"""

import base64
import hashlib
import hmac
import struct

from ed25519 import verify_signature

FIXED = {"kind": 1, "authority": 2, "rule": 3, "happened": 4, "recorded": 5, "subject": 6, "subject ref": 7, "object": 8, "object ref": 9}
CITE = 10
GROUPS = {"fact": 0x110, "param": 0x111, "metric": 0x112, "tag": 0x113, "blind": 0x114}
KINDS = ["run began", "run ended", "used", "made", "described", "named", "deployed", "owned", "judged", "agreed", "retracted"]
AUTHORITIES = ["observed", "declared", "inferred", "imported", "corrected"]
NAN, LIST_DEPTH_MAX = "7ff8000000000000", 8


def require(condition, what):
    if not condition:
        raise ValueError(what)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def lp(data):
    return struct.pack(">I", len(data)) + data


class Reader:
    """Takes bytes from the front, never more than there are."""

    def __init__(self, data):
        self.data = data

    def take(self, count):
        require(len(self.data) >= count, "cut short")
        head, self.data = self.data[:count], self.data[count:]
        return head

    def number(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(">" + form)))[0]

    def lp(self):
        return self.take(self.number("I"))

    def rest(self):
        return self.take(len(self.data))

    def end(self):
        require(not self.data, "bytes left over")


# values and nodes

def encode_value(value):
    if isinstance(value, list):
        return b"\x06" + struct.pack(">I", len(value)) + b"".join(lp(encode_value(item)) for item in value)
    (kind, payload), = value.items()
    return {
        "text": lambda: b"\x01" + payload.encode(),
        "bytes": lambda: b"\x02" + bytes.fromhex(payload),
        "int": lambda: b"\x03" + struct.pack(">q", int(payload)),
        "float": lambda: b"\x04" + bytes.fromhex(payload),
        "flag": lambda: b"\x05" + bytes([payload]),
    }[kind]()


def decode_value(data, depth=0):
    reader = Reader(data)
    match reader.number("B"):
        case 1: value = {"text": reader.rest().decode()}
        case 2: value = {"bytes": reader.rest().hex()}
        case 3: value = {"int": str(reader.number("q"))}
        case 4:
            value = {"float": reader.take(8).hex()}
            number = struct.unpack(">d", bytes.fromhex(value["float"]))[0]
            require(number == number or value["float"] == NAN, "another NaN")
        case 5:
            flag = reader.number("B")
            require(flag < 2, "flag")
            value = {"flag": bool(flag)}
        case 6:
            require(depth < LIST_DEPTH_MAX, "too deep")
            value = [decode_value(reader.lp(), depth + 1) for _ in range(reader.number("I"))]
        case _: raise ValueError("unknown type")
    reader.end()
    return value


def encode_node(node):
    (kind, payload), = node.items()
    return {
        "artifact": lambda: b"\x01" + bytes.fromhex(payload),
        "run": lambda: b"\x02" + bytes.fromhex(payload),
        "path": lambda: b"\x03\x01" + lp(payload[0].encode()) + bytes.fromhex(payload[1]),
        "data": lambda: b"\x03\x02" + payload.encode(),
        "model": lambda: b"\x03\x03" + payload.encode(),
        "alias": lambda: b"\x03\x04" + lp(payload[0].encode()) + payload[1].encode(),
        "party": lambda: b"\x04" + payload.encode(),
        "remote": lambda: b"\x05" + lp(payload[0].encode()) + payload[1].encode(),
        "deployment": lambda: b"\x06" + bytes.fromhex(payload),
    }[kind]()


def decode_node(data):
    reader = Reader(data)
    match reader.number("B"):
        case 1: node = {"artifact": reader.take(32).hex()}
        case 2: node = {"run": reader.take(16).hex()}
        case 3:
            match reader.number("B"):
                case 1: node = {"path": [reader.lp().decode(), reader.rest().hex()]}
                case 2: node = {"data": reader.rest().decode()}
                case 3: node = {"model": reader.rest().decode()}
                case 4: node = {"alias": [reader.lp().decode(), reader.rest().decode()]}
                case _: raise ValueError("unknown name space")
        case 4: node = {"party": reader.rest().decode()}
        case 5: node = {"remote": [reader.lp().decode(), reader.rest().decode()]}
        case 6: node = {"deployment": reader.take(16).hex()}
        case _: raise ValueError("unknown kind of node")
    reader.end()
    return node


def encode_manifest(members):
    """members: {path: (size, BLAKE3)}, all but the size bytes."""
    body = b"".join(lp(path) + struct.pack(">Q", size) + digest for path, (size, digest) in sorted(members.items()))
    return b"keizu manifest v1\n" + struct.pack(">I", len(members)) + body


def encode_names(names):
    return b"keizu names v1\n" + struct.pack(">I", len(set(names))) + b"".join(map(lp, sorted(set(names))))


# commitments and ids

def expand(secret, info):
    return hmac.digest(secret, info + b"\x01", "sha256")[:16]


def field_salt(secret, tag, key):
    return expand(secret, b"keizu salt v1\n" + struct.pack(">H", tag) + key)


def node_salt(ref_secret, node):
    return expand(ref_secret, b"keizu node salt v1\n" + node)


def commit(salt, tag, key, value):
    return sha256(b"keizu field v1\n", salt, struct.pack(">H", tag), lp(key), lp(value))


def blind(salt, node):
    return sha256(b"keizu ref v1\n", salt, lp(node))


def record_id(commitments):
    """commitments: [(tag, 32 bytes)], in any order."""
    body = b"".join(struct.pack(">H", tag) + field for tag, field in sorted(commitments))
    return sha256(b"keizu record v1\n", struct.pack(">I", len(commitments)), body)


def fields_of(record, ref_secret):
    """The fields of a record as [(tag, key, value)] in canonical order, with the salts of its nodes."""
    fields = [(1, b"", bytes([KINDS.index(record["kind"]) + 1])), (2, b"", bytes([AUTHORITIES.index(record["authority"]) + 1]))]
    if record["rule"] is not None:
        fields.append((3, b"", record["rule"].encode()))
    fields += [(FIXED[time], b"", struct.pack(">q", int(record[time]))) for time in ("happened", "recorded")]
    salts = []
    for end in ("subject", "object"):
        if record[end] is not None:
            node = encode_node(record[end])
            salts.append(node_salt(ref_secret, node))
            fields += [(FIXED[end], b"", node), (FIXED[end + " ref"], b"", blind(salts[-1], node))]
    fields += [(CITE, bytes.fromhex(cite), b"") for cite in record["cites"]]
    fields += [(GROUPS[group], key.encode(), encode_value(value)) for group, key, value in record["entries"]]
    return sorted(fields), salts


def commitments_of(secret, fields):
    return [(tag, commit(field_salt(secret, tag, key), tag, key, value)) for tag, key, value in fields]


def encode_entry(secret, salts, fields):
    head = b"\x01" + secret + salts[0] + bytes([len(salts) - 1]) + b"".join(salts[1:])
    return head + struct.pack(">I", len(fields)) + b"".join(struct.pack(">H", tag) + lp(key) + lp(value) for tag, key, value in fields)


def open_entry(data):
    """The stored bytes of a record: (id, fields), or ValueError. Strict: one statement has one encoding."""
    reader = Reader(data)
    require(reader.number("B") == 1, "unknown version")
    secret, salts = reader.take(32), [reader.take(16)]
    has_object = reader.number("B")
    require(has_object < 2, "object flag")
    salts += [reader.take(16) for _ in range(has_object)]
    fields = [(reader.number("H"), reader.lp(), reader.lp()) for _ in range(reader.number("I"))]
    reader.end()
    require(all(a[:2] < b[:2] for a, b in zip(fields, fields[1:])), "out of order, or twice")
    check_fields(fields, salts)
    return record_id(commitments_of(secret, fields)), fields


def check_fields(fields, salts):
    by_tag = {tag: value for tag, _, value in fields if tag < CITE}
    require(set(by_tag) >= {1, 2, 4, 5, 6, 7} and (8 in by_tag) == (9 in by_tag) == (len(salts) == 2), "a field is missing")
    for tag, key, value in fields:
        require(tag >= CITE or not key, "a fixed field with a key")
        if tag in (1, 2):
            require(len(value) == 1 and 1 <= value[0] <= len(KINDS if tag == 1 else AUTHORITIES), "unknown code")
        elif tag == 3:
            value.decode()
        elif tag in (4, 5):
            require(len(value) == 8, "time")
        elif tag in (6, 8):
            decode_node(value)
            require(by_tag[tag + 1] == blind(salts[tag == 8], value), "ref")
        elif tag == CITE:
            require(len(key) == 32 and not value, "cite")
        elif tag not in (7, 9):
            require(tag in GROUPS.values(), "unknown tag")
            key.decode()
            decode_value(value)


# the tree of RFC 6962

def leaf(record):
    return sha256(b"\x00", record)


def parent(left, right):
    return sha256(b"\x01", left, right)


def root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256()
    at = 1 << (len(leaves) - 1).bit_length() - 1
    return parent(root(leaves[:at]), root(leaves[at:]))


def verify_inclusion(leaf_hash, index, size, path, expected):
    """RFC 6962 §2.1.1, downwards: the path's last hash belongs to the top split."""
    def climb(index, size, path):
        if size == 1:
            require(not path, "hashes left over")
            return leaf_hash
        require(path, "hashes missing")
        at = 1 << (size - 1).bit_length() - 1
        if index < at:
            return parent(climb(index, at, path[:-1]), path[-1])
        return parent(path[-1], climb(index - at, size - at, path[:-1]))
    require(0 <= index < size and climb(index, size, path) == expected, "not in the tree")


def verify_consistency(old, old_root, new, new_root, path):
    """RFC 6962 §2.1.2, downwards: gives both roots."""
    def climb(old, new, path, whole):
        if old == new:
            require(len(path) == (0 if whole else 1), "number of hashes")
            return (old_root, old_root) if whole else (path[0], path[0])
        require(path, "hashes missing")
        at = 1 << (new - 1).bit_length() - 1
        if old <= at:
            left_old, left_new = climb(old, at, path[:-1], whole)
            return left_old, parent(left_new, path[-1])
        right_old, right_new = climb(old - at, new - at, path[:-1], False)
        return parent(path[-1], right_old), parent(path[-1], right_new)
    require(0 <= old <= new, "sizes")
    if old == 0:
        require(not path and old_root == (new_root if new == 0 else sha256()) == sha256(), "not the empty tree")
    else:
        require(climb(old, new, path, True) == (old_root, new_root), "not a prefix")


# checkpoints

def key_id(name, public):
    return sha256(name.encode(), b"\n\x01", public)[:4]


def checkpoint_text(origin, size, root_hash):
    return f"{origin}\n{size}\n{base64.b64encode(root_hash).decode()}\n"


def open_note(note, name, public):
    """(origin, size, root) of a note that `name` signed with this key."""
    text, found, signatures = note.rpartition("\n\n")
    require(found and signatures.endswith("\n"), "not a note")
    text, signed = text + "\n", False
    for line in signatures[:-1].split("\n"):
        dash, signer, blob = (line.split(" ", 2) + ["", ""])[:3]
        require(dash == "\u2014" and blob, "signature line")
        data = base64.b64decode(blob, validate=True)
        require(base64.b64encode(data).decode() == blob, "base64")
        if (signer, data[:4]) == (name, key_id(name, public)):
            verify_signature(public, text.encode(), data[4:])
            signed = True
    require(signed, "not signed with this key")
    origin, size, root_hash = (text.split("\n") + ["", ""])[:3]
    root_hash = base64.b64decode(root_hash, validate=True)
    require(origin and size.isdigit() and int(size) < 1 << 64 and len(root_hash) == 32, "not a checkpoint")
    require(checkpoint_text(origin, int(size), root_hash) == text, "not canonical")
    return origin, int(size), root_hash
