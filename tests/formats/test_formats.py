"""The second implementation of the format against the golden vectors, and against a record that the binary wrote."""

import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import keizu_formats as formats  # noqa: E402

VECTORS = json.loads((HERE / "vectors.json").read_text(encoding="utf-8"))
raw = bytes.fromhex


def hashes(path):
    return [raw(text) for text in path]


class Vectors(unittest.TestCase):
    maxDiff = None

    def each(self, section, least):
        cases = VECTORS[section]
        self.assertGreaterEqual(len(cases), least, section)
        yield from cases

    def refused(self, section, least, attempt):
        for case in self.each(section, least):
            with self.assertRaises(ValueError, msg=case["why"]):
                attempt(case)

    def test_every_section_is_looked_at(self):
        sections = {"values", "nodes", "records", "manifests", "trees", "inclusion", "consistency", "checkpoints"}
        refused = {f"{name} refused" for name in ("values", "nodes", "records", "checkpoints")}
        self.assertEqual(set(VECTORS), sections | refused)

    def test_values(self):
        for case in self.each("values", 20):
            self.assertEqual(formats.encode_value(case["value"]).hex(), case["hex"])
            self.assertEqual(formats.decode_value(raw(case["hex"])), case["value"])

    def test_values_refused(self):
        self.refused("values refused", 14, lambda case: formats.decode_value(raw(case["hex"])))

    def test_nodes(self):
        for case in self.each("nodes", 12):
            self.assertEqual(formats.encode_node(case["node"]).hex(), case["hex"])
            self.assertEqual(formats.decode_node(raw(case["hex"])), case["node"])

    def test_nodes_refused(self):
        self.refused("nodes refused", 11, lambda case: formats.decode_node(raw(case["hex"])))

    def test_records_from_their_fields_and_secrets(self):
        for case in self.each("records", 17):
            secret = raw(case["secret"])
            fields, salts = formats.fields_of(case["record"], raw(case["ref secret"]))
            self.assertEqual([(tag, key.hex(), value.hex()) for tag, key, value in fields],
                             [(field["tag"], field["key"], field["value"]) for field in case["fields"]])
            self.assertEqual([salt.hex() for salt in salts], [salt for salt in (case["subject salt"], case["object salt"]) if salt])
            self.assertEqual(formats.blind(salts[0], formats.encode_node(case["record"]["subject"])).hex(), case["subject ref"])
            for (tag, key, value), field in zip(fields, case["fields"], strict=True):
                salt = formats.field_salt(secret, tag, key)
                self.assertEqual((salt.hex(), formats.commit(salt, tag, key, value).hex()), (field["salt"], field["commitment"]))
            identity = formats.record_id(formats.commitments_of(secret, fields))
            self.assertEqual((identity.hex(), formats.leaf(identity).hex()), (case["id"], case["leaf"]))
            self.assertEqual(formats.encode_entry(secret, salts, fields).hex(), case["bytes"])

    def test_records_from_their_bytes(self):
        for case in self.each("records", 17):
            identity, fields = formats.open_entry(raw(case["bytes"]))
            self.assertEqual(identity.hex(), case["id"])
            self.assertEqual(len(fields), len(case["fields"]))

    def test_records_from_their_commitments_alone(self):
        for case in self.each("records", 17):
            # what a receiver gets who may see nothing: in any order
            commitments = [(field["tag"], raw(field["commitment"])) for field in reversed(case["fields"])]
            self.assertEqual(formats.record_id(commitments).hex(), case["id"])
            commitments[0] = (commitments[0][0], bytes(32))
            self.assertNotEqual(formats.record_id(commitments).hex(), case["id"])

    def test_records_refused(self):
        self.refused("records refused", 16, lambda case: formats.open_entry(raw(case["hex"])))

    def test_any_flipped_byte_is_refused_or_another_record(self):
        case = VECTORS["records"][1]
        good = raw(case["bytes"])
        for at in range(len(good)):
            bad = good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1:]
            try:
                self.assertNotEqual(formats.open_entry(bad)[0].hex(), case["id"], at)
            except ValueError:
                pass

    def test_manifests(self):
        for case in self.each("manifests", 3):
            if "names" in case:
                self.assertEqual(formats.encode_names([raw(name) for name in reversed(case["names"])]).hex(), case["hex"])
            else:
                members = {raw(path): (size, raw(digest)) for path, size, digest in reversed(case["members"])}
                self.assertEqual(formats.encode_manifest(members).hex(), case["hex"])

    def test_trees(self):
        for case in self.each("trees", 14):
            leaves = [formats.leaf(bytes([n]) * 32) for n in range(case["size"])]
            self.assertEqual(formats.root(leaves).hex(), case["root"])

    def proofs(self, section, least, attempt):
        outcomes = set()
        for case in self.each(section, least):
            outcomes.add(case["holds"])
            if case["holds"]:
                attempt(case)
            else:
                self.assertRaises(ValueError, attempt, case)
        self.assertEqual(outcomes, {True, False})

    def test_inclusion(self):
        self.proofs("inclusion", 50, lambda case: formats.verify_inclusion(
            raw(case["leaf"]), case["index"], case["size"], hashes(case["path"]), raw(case["root"])))

    def test_consistency(self):
        self.proofs("consistency", 40, lambda case: formats.verify_consistency(
            case["old"], raw(case["old root"]), case["new"], raw(case["new root"]), hashes(case["path"])))

    def test_checkpoints(self):
        for case in self.each("checkpoints", 6):
            public = raw(case["public key"])
            self.assertEqual(formats.key_id(case["name"], public).hex(), case["key id"])
            self.assertEqual(formats.open_note(case["note"], case["name"], public), (case["origin"], case["size"], raw(case["root"])))
            text = formats.checkpoint_text(case["origin"], case["size"], raw(case["root"]))
            self.assertTrue(case["note"].startswith(text + "\n"))

    def test_checkpoints_refused(self):
        self.refused("checkpoints refused", 17, lambda case: formats.open_note(case["note"], case["name"], raw(case["public key"])))

    def test_any_flipped_byte_of_a_checkpoint_is_refused(self):
        case = VECTORS["checkpoints"][4]
        note = case["note"].encode()
        for at in range(len(note)):
            bad = note[:at] + bytes([note[at] ^ 1]) + note[at + 1:]
            with self.assertRaises(ValueError, msg=f"byte {at}"):
                formats.open_note(bad.decode(), case["name"], raw(case["public key"]))


class Page(unittest.TestCase):
    """The examples of docs/formats.md are vectors."""

    def test_the_drawn_record_and_checkpoint_are_the_vectors(self):
        page = (HERE.parent.parent / "docs" / "formats.md").read_text(encoding="utf-8")
        drawn = re.search(r"```\n(01 +version\n.*?)id +([0-9a-f]{64})\n```", page, re.DOTALL)
        digits = re.findall(r"^((?:[0-9a-f]{2,} ?)+)", drawn[1], re.MULTILINE)
        smallest = VECTORS["records"][0]
        self.assertEqual(("".join(digits).replace(" ", ""), drawn[2]), (smallest["bytes"], smallest["id"]))
        self.assertIn(f"```\n{VECTORS['checkpoints'][4]['note']}```", page)


def verify_database(path):
    """All logs of a store, recomputed from the stored bytes. Gives {name: entries}."""
    database = sqlite3.connect(path)
    sizes = {}
    for number, name, public in database.execute("SELECT number, name, key FROM log_origin").fetchall():
        leaves = []
        rows = database.execute("SELECT place, id, bytes FROM log WHERE origin = ? ORDER BY place", (number,))
        for expected, (place, identity, stored) in enumerate(rows):
            formats.require(place == expected, f"entry {expected + 1} of {name} is missing")
            formats.require(formats.open_entry(stored)[0] == identity, f"entry {expected + 1} of {name} does not match its hash")
            leaves.append(formats.leaf(identity))
        covered = 0
        for size, note in database.execute("SELECT size, note FROM log_checkpoint WHERE origin = ? ORDER BY size", (number,)):
            formats.require(formats.open_note(note, name, public) == (name, size, formats.root(leaves[:size])), f"checkpoint {size} of {name}")
            formats.require(size <= len(leaves), f"log {name} ends before its checkpoint {size}")
            covered = size
        formats.require(covered == len(leaves), f"log {name} has entries that no checkpoint covers")
        sizes[name] = len(leaves)
    database.close()
    return sizes


class Binary(unittest.TestCase):
    """A real record: written by the binary, read by this implementation."""

    def setUp(self):
        self.binary = pathlib.Path(os.environ.get("KEIZU_BIN") or HERE.parent.parent / "target" / "debug" / "keizu").resolve()
        if not self.binary.is_file():
            self.skipTest(f"{self.binary} is not built")
        usage = subprocess.run([self.binary, "--help"], capture_output=True, text=True, check=False).stdout
        if " add" not in usage:
            self.skipTest("this binary has no `add` yet")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.project = pathlib.Path(folder.name)

    def keizu(self, *arguments):
        # nothing of the surroundings: no store elsewhere, no run around this one
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("KEIZU_", "LD_PRELOAD"))}
        done = subprocess.run([self.binary, *arguments], cwd=self.project, env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"keizu {' '.join(arguments)}: {done.stderr}")

    def test_the_record_of_the_binary_is_recomputed(self):
        (self.project / "daily").mkdir()
        for day in range(3):
            (self.project / "daily" / f"{day}.csv").write_text(f"label,x\n{day},1\n")
        self.keizu("add", "daily")
        (self.project / "daily" / "1.csv").write_text("label,x\n9,9\n")
        self.keizu("add", "daily")
        path = self.project / ".keizu" / "keizu.db"
        sizes = verify_database(path)
        self.assertEqual(len(sizes), 1)
        self.assertGreaterEqual(sum(sizes.values()), 2)

        (name, size), = sizes.items()
        database = sqlite3.connect(path)
        public, = database.execute("SELECT key FROM log_origin").fetchone()
        witness = (self.project / ".keizu" / "checkpoint").read_text(encoding="utf-8")
        self.assertEqual(formats.open_note(witness, name, public)[:2], (name, size))
        # and this implementation notices what the other would
        stored, = database.execute("SELECT bytes FROM log WHERE place = 0").fetchone()
        database.execute("UPDATE log SET bytes = ? WHERE place = 0", (stored[:-1] + bytes([stored[-1] ^ 1]),))
        database.commit()
        database.close()
        self.assertRaises(ValueError, verify_database, path)


if __name__ == "__main__":
    unittest.main()
