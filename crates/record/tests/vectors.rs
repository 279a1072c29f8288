//! The golden vectors: what this crate computes is what `tests/formats/vectors.json` says, and what that refuses is refused.
//!
//! The file was released once and is the format. With `KEIZU_WRITE_VECTORS=1` it is written anew: only for additions.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

use keizu_record::manifest::{Manifest, Member, Names};
use keizu_record::merkle::{consistency_proof, inclusion_proof, leaf, root, verify_consistency, verify_inclusion};
use keizu_record::note::{Checkpoint, Key, PublicKey};
use keizu_record::seal::{blind, commit, salt};
use keizu_record::{Authority, Digest, FilePath, Group, Hash, Kind, Name, NodeId, Record, RecordId, RefSecret, RunId, Sealed, Time, Value};
use keizu_record::{hex, unhex};
use serde_json::{Value as Json, json};

#[test]
fn the_committed_vectors_are_what_is_computed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/formats/vectors.json");
    let computed = json!({
        "values": values(),
        "values refused": refused_values(),
        "nodes": nodes().iter().map(|node| json!({"node": node_json(node), "hex": hex(&node.encode())})).collect::<Vec<_>>(),
        "nodes refused": refused_nodes(),
        "records": records().into_iter().map(record_json).collect::<Vec<_>>(),
        "records refused": refused_records(),
        "manifests": manifests(),
        "trees": trees(),
        "inclusion": inclusion(),
        "consistency": consistency(),
        "checkpoints": checkpoints(),
        "checkpoints refused": refused_checkpoints(),
    });
    if std::env::var_os("KEIZU_WRITE_VECTORS").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&computed).unwrap() + "\n").unwrap();
    }
    let committed: Json = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    for (section, expected) in committed.as_object().unwrap() {
        assert_eq!(&computed[section], expected, "{section}");
    }
    assert_eq!(computed, committed);
}

fn value_json(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!({"text": text}),
        Value::Bytes(bytes) => json!({"bytes": hex(bytes)}),
        Value::Int(int) => json!({"int": int.to_string()}),
        // bits, as canonical bytes: JSON has neither NaN nor −0
        Value::Float(_) => json!({"float": hex(&value.encode()[1..])}),
        Value::Flag(flag) => json!({"flag": flag}),
        Value::List(list) => list.iter().map(value_json).collect(),
    }
}

fn node_json(node: &NodeId) -> Json {
    match node {
        NodeId::Artifact(digest) => json!({"artifact": digest.hex()}),
        NodeId::Run(run) => json!({"run": run.hex()}),
        NodeId::Name(Name::Path { project, path }) => json!({"path": [project, hex(path.as_bytes())]}),
        NodeId::Name(Name::Data(name)) => json!({"data": name}),
        NodeId::Name(Name::Model(name)) => json!({"model": name}),
        NodeId::Name(Name::Alias { model, alias }) => json!({"alias": [model, alias]}),
        NodeId::Party(name) => json!({"party": name}),
        NodeId::Remote { uri, version } => json!({"remote": [uri, version]}),
        NodeId::Deployment(id) => json!({"deployment": hex(id)}),
    }
}

fn all_values() -> Vec<Value> {
    let deep = (0..8).fold(Value::Int(7), |inner, _| Value::List(vec![inner]));
    vec![
        "".into(),
        "data/train.csv".into(),
        "遅延 ✈\0".into(),
        Value::Bytes(vec![]),
        Value::Bytes(b"caf\xe9".to_vec()),
        0.into(),
        (-1).into(),
        i64::MIN.into(),
        i64::MAX.into(),
        0.0.into(),
        (-0.0).into(),
        0.741.into(),
        f64::INFINITY.into(),
        f64::NAN.into(),
        Value::Float(f64::from_bits(0xfff0_0000_0000_0001)),
        true.into(),
        false.into(),
        Value::List(vec![]),
        Value::List(vec!["python".into(), Value::Bytes(vec![0xff]), Value::List(vec![6.into(), true.into()])]),
        deep,
    ]
}

fn values() -> Vec<Json> {
    all_values().iter().map(|value| json!({"value": value_json(value), "hex": hex(&value.encode())})).collect()
}

fn refused_values() -> Vec<Json> {
    let deep = (0..9).fold(Value::Int(7), |inner, _| Value::List(vec![inner]));
    let cases = [
        ("no type", String::new()),
        ("type 0", "00".into()),
        ("type 7", "0700".into()),
        ("text that is not UTF-8", "01ff".into()),
        ("an int of seven bytes", "0300000000000000".into()),
        ("an int of nine bytes", "03000000000000000000".into()),
        ("another NaN", "047ff8000000000001".into()),
        ("a negative NaN", "04fff8000000000000".into()),
        ("flag 2", "0502".into()),
        ("a list without its items", "0600000001".into()),
        ("a list with a tail", "060000000000".into()),
        ("an item that is cut short", "06000000010000000905".into()),
        ("an item that is no value", "0600000001000000020502".into()),
        ("nine lists deep", hex(&deep.encode())),
    ];
    cases
        .into_iter()
        .map(|(why, bytes)| {
            assert_eq!(Value::decode(&unhex(&bytes).unwrap()), None, "{why}");
            json!({"why": why, "hex": bytes})
        })
        .collect()
}

fn nodes() -> Vec<NodeId> {
    let path = |project: &str, path: &[u8]| Name::Path { project: project.into(), path: FilePath::new(path) };
    vec![
        Digest::of(b"label,x\n").into(),
        RunId::new([0x3f; 16]).into(),
        path("flights", b"data/train.csv").into(),
        path("flights", b"caf\xe9/").into(),
        path("", b"/etc/hosts").into(),
        Name::Data("days".into()).into(),
        Name::Model("遅延".into()).into(),
        Name::Alias { model: "delay".into(), alias: "champion".into() }.into(),
        NodeId::Party("Ops".into()),
        NodeId::Remote { uri: "s3://bucket/key".into(), version: "3/L4kqtJ".into() },
        NodeId::Remote { uri: "https://example.org/".into(), version: String::new() },
        NodeId::Deployment([0xde; 16]),
    ]
}

fn refused_nodes() -> Vec<Json> {
    let cases = [
        ("no kind", String::new()),
        ("kind 7", "07".into()),
        ("a digest of 31 bytes", format!("01{}", "00".repeat(31))),
        ("a digest of 33 bytes", format!("01{}", "00".repeat(33))),
        ("a run of 15 bytes", format!("02{}", "00".repeat(15))),
        ("no name space", "03".into()),
        ("name space 5", "030561".into()),
        ("a path without its project", "0301".into()),
        ("a project that is cut short", "03010000000261".into()),
        ("a model that is not UTF-8", "0303ff".into()),
        ("a party that is not UTF-8", "04c3".into()),
    ];
    cases
        .into_iter()
        .map(|(why, bytes)| {
            assert_eq!(NodeId::decode(&unhex(&bytes).unwrap()), None, "{why}");
            json!({"why": why, "hex": bytes})
        })
        .collect()
}

/// The secrets that all vectors share. Never use them.
const REFS: [u8; 32] = [0x52; 32];

fn records() -> Vec<Sealed> {
    let run = RunId::new([0x3f; 16]);
    let time = Time(1_794_000_000_123_456);
    let smallest = Record::new(Kind::RunBegan, run, Time(0), Time(-1));
    let used = Record::new(Kind::Used, run, time, Time(time.0 + 41_000_000))
        .with_object(Digest::of(b"label,x\n"))
        .with(Group::Fact, "project", "flights")
        .with(Group::Fact, "path", "data/train.csv")
        .with(Group::Fact, "size", 8)
        .with(Group::Fact, "kind", "data")
        .with(Group::Fact, "role", "input")
        .with(Group::Param, "depth", 6)
        .with(Group::Param, "lr", 0.1)
        .with(Group::Blind, "000000 static", "jq");
    let named = Record::new(Kind::Named, Name::Model("delay".into()), time, time)
        .by(Authority::Inferred, Some("model by content"))
        .with_object(Digest::of(b"model"))
        .with(Group::Fact, "version", 3)
        .with(Group::Tag, "", "a tag may have no name");
    let mut judged = Record::new(Kind::Judged, Name::Alias { model: "delay".into(), alias: "champion".into() }, time, time)
        .by(Authority::Declared, None)
        .with_object(NodeId::Party("Ops".into()));
    for (at, value) in all_values().into_iter().enumerate() {
        judged.set(Group::Metric, format!("値 {at:02}"), value);
    }
    let mut retracted = Record::new(Kind::Retracted, run, time, time).by(Authority::Corrected, None);
    retracted.cites = [RecordId::new([9; 32]), RecordId::new([1; 32]), RecordId::new([0xfe; 32])].into();
    let every = nodes().into_iter().zip(Kind::ALL.iter().cycle()).zip(Authority::ALL.iter().cycle());
    let every = every.map(|((node, kind), authority)| Record::new(*kind, node, time, time).by(*authority, None));
    let all: Vec<Record> = [smallest, used, named, judged, retracted].into_iter().chain(every).collect();
    (1u8..).zip(all).map(|(n, record)| record.seal(&RefSecret(REFS), [n; 32]).unwrap()).collect()
}

fn record_json(sealed: Sealed) -> Json {
    let record = &sealed.record;
    let fields = sealed.fields();
    let commitments = sealed.commitments(&fields);
    let opened = fields.iter().zip(&commitments).map(|(field, (tag, commitment))| {
        let salt = salt(&sealed.secret, field.tag, &field.key);
        assert_eq!((*tag, *commitment), (field.tag, commit(&salt, field)));
        json!({"tag": tag, "key": hex(&field.key), "value": hex(&field.value), "salt": hex(&salt), "commitment": hex(commitment)})
    });
    let refs = RefSecret(REFS);
    assert_eq!(sealed.subject_salt, refs.node_salt(&record.subject));
    assert_eq!(Sealed::decode(&sealed.encode()).as_ref(), Ok(&sealed));
    json!({
        "secret": hex(&sealed.secret),
        "ref secret": hex(&REFS),
        "record": {
            "kind": record.kind.word(),
            "authority": record.authority.word(),
            "rule": record.rule,
            "happened": record.happened.0.to_string(),
            "recorded": record.recorded.0.to_string(),
            "subject": node_json(&record.subject),
            "object": record.object.as_ref().map(node_json),
            "cites": record.cites.iter().map(RecordId::hex).collect::<Vec<_>>(),
            "entries": record.entries.iter().map(|((group, key), value)| json!([group.word(), key, value_json(value)])).collect::<Vec<_>>(),
        },
        "subject salt": hex(&sealed.subject_salt),
        "subject ref": blind(&sealed.subject_salt, &record.subject).hex(),
        "object salt": sealed.object_salt.map(|salt| hex(&salt)),
        "fields": opened.collect::<Vec<_>>(),
        "bytes": hex(&sealed.encode()),
        "id": sealed.id.hex(),
        "leaf": leaf(&sealed.id).hex(),
    })
}

/// Bytes that look like a record and are none.
fn refused_records() -> Vec<Json> {
    let good = records()[1].encode();
    let find = |part: &[u8]| good.windows(part.len()).position(|window| window == part).unwrap();
    let changed = |at: usize, with: &[u8]| [&good[..at], with, &good[at + with.len()..]].concat();
    let fields = 1 + 32 + 16 + 1 + 16 + 4;
    let kind = fields + 2 + 4 + 4;
    // two fields of equal length, exchanged
    let (depth, lr) = (find(b"\x01\x11\0\0\0\x05depth"), find(b"\x01\x11\0\0\0\x02lr"));
    let end = find(b"\x01\x14\0\0\0\x0d000000 static");
    let exchanged = [&good[..depth], &good[lr..end], &good[depth..lr], &good[end..]].concat();
    let mut fewer = changed(fields - 1, &[good[fields - 1] - 1]);
    fewer.truncate(find(b"\x01\x14\0\0\0\x0d000000 static"));
    let cases = [
        ("empty", Vec::new()),
        ("version 2", changed(0, &[2])),
        ("cut short", good[..good.len() - 1].to_vec()),
        ("a byte left over", [good.as_slice(), &[0]].concat()),
        ("one field more than said", changed(fields - 1, &[good[fields - 1] - 1])),
        ("one field fewer than said", changed(fields - 1, &[good[fields - 1] + 1])),
        ("object flag 2", changed(49, &[2])),
        ("kind 0", changed(kind, &[0])),
        ("kind 12", changed(kind, &[12])),
        ("authority 6", changed(kind + 11, &[6])),
        ("another subject salt", changed(40, &[good[40] ^ 1])),
        ("another object salt", changed(60, &[good[60] ^ 1])),
        ("fields exchanged", exchanged),
        ("an unknown tag", changed(end, &[0x01, 0x15])),
        ("a value that is none", changed(find(b"\x01data/train.csv"), &[0x09])),
        ("a key that is not UTF-8", changed(find(b"depth"), &[0xff])),
    ];
    assert!(Sealed::decode(&fewer).is_ok(), "with one field less it is another record, not a broken one");
    cases
        .into_iter()
        .map(|(why, bytes)| {
            assert!(Sealed::decode(&bytes).is_err(), "{why}");
            json!({"why": why, "hex": hex(&bytes)})
        })
        .collect()
}

fn manifests() -> Json {
    let member = |path: &[u8], content: &[u8]| (FilePath::new(path), Member { size: content.len() as u64, digest: Digest::of(content) });
    let manifest = Manifest([member(b"b.csv", b"yes"), member(b"a/caf\xe9", b""), member(b"a.csv", b"label,x\n")].into());
    let names = Names([FilePath::from("b.csv"), FilePath::new(*b"caf\xe9"), FilePath::from("a.csv")].into());
    let members = manifest.0.iter().map(|(path, member)| json!([hex(path.as_bytes()), member.size, member.digest.hex()]));
    json!([
        {"members": members.collect::<Vec<_>>(), "hex": hex(&manifest.encode()), "digest": manifest.digest().hex()},
        {"members": [], "hex": hex(&Manifest::default().encode()), "digest": Manifest::default().digest().hex()},
        {"names": names.0.iter().map(|name| hex(name.as_bytes())).collect::<Vec<_>>(), "hex": hex(&names.encode()), "digest": names.digest().hex()},
    ])
}

/// Leaves of the vectors' trees: of the record ids 00…, 01…, 02….
fn leaves(size: usize) -> Vec<Hash> {
    (0..size).map(|n| leaf(&RecordId::new([n as u8; 32]))).collect()
}

fn hashes(path: &[Hash]) -> Vec<String> {
    path.iter().map(Hash::hex).collect()
}

fn trees() -> Vec<Json> {
    let sizes = (0..=9).chain([16, 17, 31, 100]);
    sizes.map(|size| json!({"size": size, "root": root(&leaves(size)).hex()})).collect()
}

fn inclusion() -> Vec<Json> {
    let mut all = Vec::new();
    let mut case = |index: u64, size: u64, path: Vec<Hash>, leaf: Hash, root: Hash| {
        let holds = verify_inclusion(&leaf, index, size, &path, &root);
        all.push(json!({"index": index, "size": size, "path": hashes(&path), "leaf": leaf.hex(), "root": root.hex(), "holds": holds}));
        holds
    };
    for (index, size) in [(0, 1), (0, 2), (1, 2), (2, 3), (0, 7), (3, 7), (6, 7), (4, 8), (99, 100), (42, 100)] {
        let (tree, at) = (leaves(size), index as u64);
        let (path, whole) = (inclusion_proof(&tree, index), root(&tree));
        assert!(case(at, size as u64, path.clone(), tree[index], whole));
        assert!(!case(at, size as u64, [path.clone(), vec![tree[0]]].concat(), tree[index], whole), "one hash more");
        assert!(!case(at, size as u64, path.clone(), root(&leaves(101)), whole), "another leaf");
        assert!(!case(size as u64, size as u64, path.clone(), tree[index], whole), "outside");
        if size > 1 {
            assert!(!case(at, size as u64, path[1..].to_vec(), tree[index], whole), "one hash fewer");
            assert!(!case(at ^ 1, size as u64, path, tree[index], whole), "at another place");
        }
    }
    all
}

fn consistency() -> Vec<Json> {
    let mut all = Vec::new();
    let mut case = |(old, old_root): (usize, Hash), (new, new_root): (usize, Hash), path: Vec<Hash>| {
        let holds = verify_consistency(old as u64, &old_root, new as u64, &new_root, &path);
        all.push(
            json!({"old": old, "old root": old_root.hex(), "new": new, "new root": new_root.hex(), "path": hashes(&path), "holds": holds}),
        );
        holds
    };
    for (old, new) in [(0, 5), (1, 2), (1, 7), (3, 7), (4, 7), (6, 7), (7, 7), (8, 16), (42, 100), (64, 100), (99, 100)] {
        let tree = leaves(new);
        let path = consistency_proof(&tree, old);
        let (from, to) = ((old, root(&tree[..old])), (new, root(&tree)));
        assert!(case(from, to, path.clone()));
        assert!(!case(from, to, [path.clone(), vec![tree[0]]].concat()), "one hash more");
        assert!(!case((old, root(&leaves(101))), to, path.clone()), "another old root");
        assert!(!case(to, from, path.clone()) || old == new, "backwards");
        if !path.is_empty() {
            assert!(!case(from, to, path[1..].to_vec()), "one hash fewer");
        }
    }
    all
}

fn key() -> Key {
    Key::from_seed("laptop-3f2a9c", [5; 32]).unwrap()
}

fn head(size: u64) -> Checkpoint {
    Checkpoint { origin: "laptop-3f2a9c".into(), size, root: root(&leaves(size as usize)) }
}

fn checkpoints() -> Vec<Json> {
    let public = key().public();
    let other = Key::from_seed("lab", [6; 32]).unwrap();
    [0, 1, 100]
        .into_iter()
        .flat_map(|size| {
            let alone = key().sign(&head(size));
            // a witness signs the same text below
            let line = other.sign(&head(size));
            let cosigned = format!("{alone}{}", line.rsplit_once("\n\n").unwrap().1);
            [(size, alone), (size, cosigned)]
        })
        .map(|(size, note)| {
            assert_eq!(public.open(&note), Ok(head(size)));
            json!({
                "name": public.name, "public key": hex(&public.bytes), "key id": hex(&public.id()),
                "origin": head(size).origin, "size": size, "root": head(size).root.hex(), "note": note,
            })
        })
        .collect()
}

fn refused_checkpoints() -> Vec<Json> {
    let public = key().public();
    let good = key().sign(&head(100));
    let (text, signatures) = good.split_once("\n\n").unwrap();
    let resigned = |text: &str| {
        // whatever the text is, signed with the right key
        let seed = ed25519_dalek::SigningKey::from_bytes(&[5; 32]);
        signed(&public, text, &ed25519_dalek::Signer::sign(&seed, text.as_bytes()).to_bytes())
    };
    assert_eq!(resigned(&format!("{text}\n")), good);
    let small = PublicKey { name: public.name.clone(), bytes: small_order() };
    let mut forged = [0; 64];
    forged[..32].copy_from_slice(&small_order());
    let cases = [
        ("empty", public.clone(), String::new()),
        ("no signature", public.clone(), format!("{text}\n")),
        ("no newline at the end", public.clone(), good.trim_end().to_owned()),
        ("another size", public.clone(), good.replace("\n100\n", "\n101\n")),
        ("another origin", public.clone(), good.replacen("laptop-3f2a9c", "laptop-3f2a9d", 1)),
        ("another name at the signature", public.clone(), format!("{text}\n\n{}", signatures.replace("laptop", "desktop"))),
        ("another key of the same name", Key::from_seed(&public.name, [6; 32]).unwrap().public(), good.clone()),
        ("a hyphen for the dash", public.clone(), good.replace('\u{2014}', "-")),
        ("base64 without its padding", public.clone(), good.replace("=\n", "\n")),
        ("a line that is no signature, below", public.clone(), format!("{good}nonsense\n")),
        ("S plus the group's order", public.clone(), signed(&public, &format!("{text}\n"), &plus_order(&good))),
        ("a key of small order, which signs anything", small.clone(), signed(&small, &format!("{text}\n"), &forged)),
        ("signed: a size with a zero before", public.clone(), resigned(&format!("{text}\n").replace("\n100\n", "\n0100\n"))),
        ("signed: a size with a sign", public.clone(), resigned(&format!("{text}\n").replace("\n100\n", "\n+100\n"))),
        ("signed: a root of 31 bytes", public.clone(), resigned(&format!("laptop-3f2a9c\n1\n{}\n", "A".repeat(42) + "=="))),
        ("signed: a line more", public.clone(), resigned(&format!("{text}\nextension\n"))),
        ("signed: no origin", public.clone(), resigned(&format!("{text}\n").replacen("laptop-3f2a9c", "", 1))),
    ];
    cases
        .into_iter()
        .map(|(why, key, note)| {
            assert!(key.open(&note).is_err(), "{why}");
            json!({"why": why, "name": key.name, "public key": hex(&key.bytes), "note": note})
        })
        .collect()
}

fn signed(key: &PublicKey, text: &str, signature: &[u8; 64]) -> String {
    use base64::Engine as _;
    let blob = [&key.id()[..], signature].concat();
    format!("{text}\n\u{2014} {} {}\n", key.name, base64::engine::general_purpose::STANDARD.encode(blob))
}

/// The neutral element: with it as key and as R, and S = 0, a lax verifier accepts any message.
fn small_order() -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    bytes
}

/// The signature of a note with S + L for S: the same equation, another text.
fn plus_order(note: &str) -> [u8; 64] {
    use base64::Engine as _;
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0x10,
    ];
    let blob = note.trim_end().rsplit_once(' ').unwrap().1;
    let mut signature: [u8; 64] = base64::engine::general_purpose::STANDARD.decode(blob).unwrap()[4..].try_into().unwrap();
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    signature
}
