//! The index: the same answers as by looking at everything.

use keizu_record::manifest::{Manifest, Member};
use keizu_record::{Digest, Entry, FilePath, Group, Kind, Name, NodeId, Record, RunId, Side, Time, Value};

use super::log::{everything, numbered, own, put};
use super::model::{Random, artifact, collection};
use super::{Model, Subject};
use crate::{Read, Select, Store};

/// Appends what the seeds say, and asks what they say.
pub fn answers_are_those_of_the_model(subject: &dyn Subject, seeds: &[u64]) {
    let mut store = subject.open();
    let origin = own(&*store).name;
    let mut model = Model::default();
    // the last collection's manifest is never kept
    for n in 0..3 {
        let digest = subject.objects().put_bytes(&collection(n).encode()).expect("put");
        model.manifests.insert(digest, collection(n));
    }
    subject.objects().sync().expect("sync");
    for seed in seeds {
        let mut random = Random(*seed);
        let records: Vec<Record> = (0..random.below(12)).map(|_| random.record()).collect();
        let receipt = put(&mut *store, &records);
        model.append(&origin, &records, &receipt);
        ask(&*store, &model, &mut random);
    }
    let other = subject.open();
    ask(&*other, &model, &mut Random(seeds.len() as u64));
    store.refold().expect("refold");
    ask(&*store, &model, &mut Random(seeds.len() as u64));
    ask(&*other, &model, &mut Random(seeds.len() as u64));
}

fn ask(store: &dyn Store, model: &Model, random: &mut Random) {
    for _ in 0..40 {
        let select = random.select(model.entries.len() as u64);
        assert_eq!(store.select(&select).expect("select"), model.select(&select).expect("model"), "{select:?}");
        let (from, to, limit) = (random.node().encode(), random.node().encode(), random.below(9) as usize);
        let nodes = store.nodes(&from, &to, limit).expect("nodes");
        assert_eq!(nodes, model.nodes(&from, &to, limit).expect("model"), "{from:?}..{to:?}, {limit}");
        let members: Vec<Digest> = (0..random.below(4)).map(|_| artifact(random.below(7))).collect();
        assert_eq!(store.collections_of(&members).expect("members"), model.collections_of(&members).expect("model"));
    }
    let kind = [1u8];
    assert_eq!(store.nodes(&kind, &[2], usize::MAX).expect("nodes"), model.nodes(&kind, &[2], usize::MAX).expect("model"));
    assert_eq!(everything(store), model.entries);
}

fn used(content: Digest, members: i64) -> Record {
    Record::new(Kind::Used, RunId::new([1; 16]), Time(1), Time(2)).with_object(content).with(Group::Fact, "members", members).with(
        Group::Fact,
        "role",
        "input",
    )
}

/// One file among many leads to the folder that holds it, at each of its paths.
pub fn collections_open(subject: &dyn Subject) {
    let mut store = subject.open();
    let member = |n: u64| (FilePath::new(format!("{n:05}.csv")), Member { size: n, digest: artifact(n % 2_500) });
    let large = Manifest((0..5_000).map(member).collect());
    subject.objects().put_bytes(&large.encode()).expect("put");
    let receipt = put(&mut *store, &[used(large.digest(), 5_000), used(large.digest(), 5_000)]);
    assert_eq!(receipt.size, 2);
    let found = store.collections_of(&[artifact(77)]).expect("members");
    assert_eq!(found.len(), 2, "once a path, however often the folder was used");
    assert!(found.iter().all(|found| found.collection == large.digest() && found.member == artifact(77)));
    assert_eq!(
        found.iter().map(|found| (found.path.to_string(), found.size)).collect::<Vec<_>>(),
        [("00077.csv".into(), 77), ("02577.csv".into(), 2577)]
    );
    let all: Vec<Digest> = (0..2_500).map(artifact).collect();
    assert_eq!(store.collections_of(&all).expect("members").len(), 5_000);
    assert_eq!(store.collections_of(&[]).expect("members"), []);
    assert_eq!(store.collections_of(&[large.digest()]).expect("members"), [], "the folder is no member of itself");
    let listing = used(collection(1).digest(), 3).with(Group::Fact, "role", "listing");
    subject.objects().put_bytes(&collection(1).encode()).expect("put");
    put(&mut *store, &[listing]);
    assert_eq!(store.collections_of(&[artifact(1)]).expect("members").len(), 2, "a listing is no collection");
}

/// A manifest that was not there, or is none, does no harm; when it comes, the next fold opens it.
pub fn a_manifest_that_comes_late_is_found(subject: &dyn Subject) {
    let mut store = subject.open();
    let none = subject.objects().put_bytes(b"not a manifest").expect("put");
    put(&mut *store, &[used(collection(0).digest(), 3), used(collection(2).digest(), 3), used(none, 3)]);
    assert_eq!(store.collections_of(&[artifact(0), artifact(2)]).expect("members"), []);
    for n in [0, 2] {
        subject.objects().put_bytes(&collection(n).encode()).expect("put");
    }
    put(&mut *store, &[used(collection(0).digest(), 3)]);
    assert_eq!(store.collections_of(&[artifact(0)]).expect("members").len(), 2, "met again");
    assert_eq!(store.collections_of(&[artifact(2)]).expect("members"), [], "not yet");
    store.refold().expect("refold");
    assert_eq!(store.collections_of(&[artifact(0), artifact(2)]).expect("members").len(), 4, "folded again");
}

/// Tens of thousands of nodes at once, known and unknown, doubled and in any order.
pub fn many_nodes_are_one_question(subject: &dyn Subject) {
    const COUNT: u64 = 17_000;
    let mut store = subject.open();
    put(&mut *store, &(0..COUNT).map(numbered).collect::<Vec<_>>());
    let nodes: Vec<NodeId> = (0..COUNT).rev().chain(0..9).map(|n| artifact(n * 2).into()).collect();
    let mut select = Select { nodes: Some((Side::Object, nodes)), ..Select::default() };
    let positions = |entries: Vec<Entry>| entries.iter().map(|entry| entry.position).collect::<Vec<_>>();
    let expected: Vec<u64> = (0..COUNT / 2).map(|n| n * 2 + 1).collect();
    assert_eq!(positions(store.select(&select).expect("select")), expected);
    (select.newest_first, select.limit) = (true, Some(3));
    assert_eq!(positions(store.select(&select).expect("select")), [COUNT - 1, COUNT - 3, COUNT - 5]);
    select.nodes = Some((Side::Object, Vec::new()));
    assert_eq!(store.select(&select).expect("select"), [], "at none of no nodes");
}

/// Names that are not UTF-8, empty, or full of what is special elsewhere.
pub fn odd_names_come_back(subject: &dyn Subject) {
    let mut store = subject.open();
    let long = vec![b'x'; 4096];
    let odd: [&[u8]; 8] = [b"caf\xe9", b"", b"a\nb", b"'; DROP TABLE log; --", b"%_\\", b"\0", "東京/データ.csv".as_bytes(), &long];
    let records = odd.iter().map(|path| {
        let mut record = numbered(1).with(Group::Fact, "project", "p\0'");
        record.set(Group::Fact, "path", Value::name(path));
        record
    });
    put(&mut *store, &records.collect::<Vec<_>>());
    for (at, path) in odd.iter().enumerate() {
        let place: NodeId = Name::Path { project: "p\0'".into(), path: FilePath::new(*path) }.into();
        let found = store.select(&Select { nodes: Some((Side::Place, vec![place.clone()])), ..Select::default() }).expect("select");
        assert_eq!(found.iter().map(|entry| entry.index).collect::<Vec<_>>(), [at as u64], "{place}");
        assert_eq!(found[0].record.path("path"), Some(FilePath::new(*path)));
        let from = place.encode();
        let to = [from.as_slice(), &[0]].concat();
        assert_eq!(store.nodes(&from, &to, 10).expect("nodes"), [place]);
    }
}

/// The index is a fold: made anew it says the same.
pub fn folding_again_changes_no_answer(subject: &dyn Subject) {
    let mut store = subject.open();
    let mut random = Random(9);
    for n in 0..4 {
        subject.objects().put_bytes(&collection(n).encode()).expect("put");
    }
    for _ in 0..10 {
        let records: Vec<Record> = (0..20).map(|_| random.record()).collect();
        put(&mut *store, &records);
    }
    let questions: Vec<Select> = (0..60).map(|_| random.select(200)).collect();
    let answers = |store: &dyn Store| {
        let selected: Vec<_> = questions.iter().map(|select| store.select(select).expect("select")).collect();
        let members: Vec<Digest> = (0..6).map(artifact).collect();
        (selected, store.nodes(&[], &[255], usize::MAX).expect("nodes"), store.collections_of(&members).expect("members"))
    };
    let before = answers(&*store);
    store.refold().expect("refold");
    assert_eq!(answers(&*store), before);
    put(&mut *store, &[numbered(1)]);
    assert_eq!(everything(&*store).len(), 201, "and goes on");
}
