//! Each rule of linking, by the smallest history that shows it.

mod common;

use common::{History, PROJECT, content, edge, lines, place};
use keizu_graph::{Direction, Options, Root, Vertex};
use keizu_record::body::{ArtifactKind, Edge, Role};
use keizu_record::{Authority, Digest, Kind, Name, Time};

#[test]
fn a_read_points_at_the_last_write_before_it() {
    let mut h = History::default();
    let (a, b, c, d) = (h.began(1, 0, "a"), h.began(2, 0, "b"), h.began(3, 0, "c"), h.began(4, 0, "d"));
    h.made(a, 1, "x.csv", content("x"));
    h.made(b, 2, "x.csv", content("x"));
    h.used(c, 3, "x.csv", content("x"));
    h.made(c, 4, "y.csv", content("y"));
    h.made(d, 5, "x.csv", content("x"));
    assert_eq!(h.up("y.csv"), ["run2 -made-> x.csv by run2", "run3 -made-> y.csv by run3", "x.csv by run2 -used-> run3"]);
    assert_eq!(h.down("y.csv"), [""; 0]);
    let down = h.trace(Direction::Down, Root::Run(a));
    assert_eq!(lines(&down), ["run1 -made-> x.csv by run1"], "the first write was read by nobody");
    assert_eq!(
        lines(&h.trace(Direction::Down, Root::Run(b))),
        ["run2 -made-> x.csv by run2", "run3 -made-> y.csv by run3", "x.csv by run2 -used-> run3"]
    );
}

#[test]
fn a_reader_that_was_sealed_before_its_writer_is_joined() {
    let mut h = History::default();
    let (a, b) = (h.began(1, 0, "a"), h.began(2, 0, "b"));
    h.used(b, 3, "x.csv", content("x"));
    h.made(b, 4, "y.csv", content("y"));
    assert_eq!(h.up("y.csv"), ["run2 -made-> y.csv by run2", "x.csv -used-> run2"]);
    h.made(a, 1, "x.csv", content("x"));
    assert_eq!(h.up("y.csv"), ["run1 -made-> x.csv by run1", "run2 -made-> y.csv by run2", "x.csv by run1 -used-> run2"]);
}

#[test]
fn the_same_content_made_elsewhere_is_inferred_from_every_write_before() {
    let mut h = History::default();
    let (a, b, c, d) = (h.began(1, 0, "a"), h.began(2, 0, "b"), h.began(3, 0, "c"), h.began(4, 0, "d"));
    h.made(a, 1, "out/a.csv", content("x"));
    h.made(b, 2, "out/b.csv", content("x"));
    h.used(c, 3, "in.csv", content("x"));
    h.made(d, 4, "out/later.csv", content("x"));
    let up = h.trace(Direction::Up, Root::Run(c));
    assert_eq!(
        lines(&up),
        [
            "in.csv -used-> run3",
            "out/a.csv by run1 -same content-> in.csv",
            "out/b.csv by run2 -same content-> in.csv",
            "run1 -made-> out/a.csv by run1",
            "run2 -made-> out/b.csv by run2",
        ]
    );
    let inferred = up.edges.iter().filter(|edge| edge.authority == Authority::Inferred);
    assert!(inferred.clone().all(|edge| edge.rule.as_deref() == Some("same content")));
    assert_eq!(inferred.count(), 2);
    let down = h.down("out/a.csv");
    assert_eq!(down, ["in.csv -used-> run3", "out/a.csv -same content-> in.csv"]);
    assert_eq!(h.down("out/later.csv"), [""; 0]);
}

#[test]
fn small_contents_are_equal_by_chance() {
    let mut h = History::default();
    let (a, b, c) = (h.began(1, 0, "a"), h.began(2, 0, "b"), h.began(3, 0, "c"));
    let small = |edge: Edge| Edge { size: Some(2), ..edge };
    h.push_edge(Kind::Made, small(edge(a, 1, "a.json", Digest::of(b"{}"))));
    h.push_edge(Kind::Used, small(edge(b, 2, "b.json", Digest::of(b"{}"))));
    h.push_edge(Kind::Used, small(edge(c, 2, "a.json", Digest::of(b"{}"))));
    assert_eq!(lines(&h.trace(Direction::Up, Root::Run(b))), ["b.json -used-> run2"]);
    assert_eq!(lines(&h.trace(Direction::Up, Root::Run(c))), ["a.json by run1 -used-> run3", "run1 -made-> a.json by run1"]);
}

#[test]
fn an_earlier_reader_of_a_source_gets_no_later_ancestors() {
    let mut h = History::default();
    let (early, copier, late) = (h.began(1, 0, "early"), h.began(2, 0, "copy"), h.began(3, 0, "late"));
    h.used(early, 1, "raw.csv", content("x"));
    h.made(early, 2, "y.csv", content("y"));
    h.used(copier, 3, "y.csv", content("y"));
    h.made(copier, 4, "copy.csv", content("x"));
    h.used(late, 5, "raw.csv", content("x"));
    assert_eq!(h.up("y.csv"), ["raw.csv -used-> run1", "run1 -made-> y.csv by run1"]);
    let up = h.trace(Direction::Up, Root::Run(late));
    assert_eq!(up.nodes.iter().filter(|node| node.name == "raw.csv").count(), 2, "{:?}", lines(&up));
}

#[test]
fn a_run_that_reads_what_it_wrote_makes_no_link() {
    let mut h = History::default();
    let (a, b) = (h.began(1, 0, "a"), h.began(2, 0, "b"));
    h.made(a, 1, "x.csv", content("x"));
    h.made(b, 2, "x.csv", content("x"));
    h.used(b, 3, "x.csv", content("x"));
    assert_eq!(h.up("x.csv"), ["run2 -made-> x.csv by run2"]);
}

#[test]
fn a_dataset_that_is_updated_in_place_is_a_chain() {
    let mut h = History::default();
    for number in 1..=3 {
        let run = h.began(number, 0, "append");
        let at = i64::from(number) * 10;
        h.used(run, at, "x.csv", content(&format!("x{}", number - 1)));
        h.made(run, at + 1, "x.csv", content(&format!("x{number}")));
    }
    assert_eq!(
        h.up("x.csv"),
        [
            "run1 -made-> x.csv by run1",
            "run2 -made-> x.csv by run2",
            "run3 -made-> x.csv by run3",
            "x.csv -used-> run1",
            "x.csv by run1 -used-> run2",
            "x.csv by run2 -used-> run3",
        ]
    );
}

#[test]
fn two_runs_that_read_each_other_end_the_walk() {
    let mut h = History::default();
    let (a, b) = (h.began(1, 0, "a"), h.began(2, 0, "b"));
    h.made(a, 1, "x", content("x"));
    h.used(b, 2, "x", content("x"));
    h.made(b, 3, "y", content("y"));
    h.used(a, 4, "y", content("y"));
    let all = ["run1 -made-> x by run1", "run2 -made-> y by run2", "x by run1 -used-> run2", "y by run2 -used-> run1"];
    assert_eq!(h.up("y"), all);
    assert_eq!(h.down("y"), all);
}

#[test]
fn files_of_a_folder_come_from_those_who_wrote_them() {
    let mut h = History::default();
    let (a, b, reader) = (h.began(1, 0, "day 1"), h.began(2, 0, "day 2"), h.began(3, 0, "features"));
    h.made(a, 1, "daily/1.csv", content("1"));
    h.made(b, 2, "daily/2.csv", content("2"));
    let folder = h.folder(&[("1.csv", "1"), ("2.csv", "2"), ("raw.csv", "raw")]);
    h.used_folder(reader, 3, "daily/", folder);
    assert_eq!(
        lines(&h.trace(Direction::Up, Root::Run(reader))),
        [
            "daily/ -used-> run3",
            "daily/1.csv by run1 -member-> daily/",
            "daily/2.csv by run2 -member-> daily/",
            "run1 -made-> daily/1.csv by run1",
            "run2 -made-> daily/2.csv by run2",
        ]
    );
    assert_eq!(h.down("daily/2.csv"), ["daily/ -used-> run3", "daily/2.csv -member-> daily/"]);
    assert_eq!(h.down("daily/raw.csv"), ["daily/ -used-> run3", "daily/raw.csv -member-> daily/"], "one file that was never read alone");
    assert_eq!(h.down("daily/3.csv"), [""; 0]);
}

#[test]
fn a_folder_that_one_run_wrote_is_that_write() {
    let mut h = History::default();
    let (a, whole, one, more) = (h.began(1, 0, "split"), h.began(2, 0, "all"), h.began(3, 0, "one"), h.began(4, 0, "more"));
    let folder = h.folder(&[("1.csv", "1"), ("2.csv", "2")]);
    h.made_folder(a, 1, "daily/", folder);
    h.used_folder(whole, 2, "daily/", folder);
    h.used(one, 2, "daily/2.csv", content("2"));
    let grown = h.folder(&[("1.csv", "1"), ("2.csv", "2"), ("3.csv", "3")]);
    h.used_folder(more, 3, "daily", grown);
    assert_eq!(lines(&h.trace(Direction::Up, Root::Run(whole))), ["daily/ by run1 -used-> run2", "run1 -made-> daily/ by run1"]);
    assert_eq!(
        lines(&h.trace(Direction::Up, Root::Run(one))),
        ["daily/ by run1 -member-> daily/2.csv by run1", "daily/2.csv by run1 -used-> run3", "run1 -made-> daily/ by run1"]
    );
    assert_eq!(
        lines(&h.trace(Direction::Up, Root::Run(more))),
        ["daily -used-> run4", "daily/ by run1 -member-> daily", "run1 -made-> daily/ by run1"]
    );
    assert_eq!(
        lines(&h.trace(Direction::Down, Root::Run(a))),
        [
            "daily -used-> run4",
            "daily/ by run1 -member-> daily",
            "daily/ by run1 -member-> daily/2.csv by run1",
            "daily/ by run1 -used-> run2",
            "daily/2.csv by run1 -member-> daily",
            "daily/2.csv by run1 -used-> run2",
            "daily/2.csv by run1 -used-> run3",
            "run1 -made-> daily/ by run1",
        ]
    );
    // one file of the folder: whoever read the folder with it inside
    let place = Root::Place { project: PROJECT.into(), path: "daily/1.csv".into() };
    assert_eq!(lines(&h.trace(Direction::Down, place)), ["daily -used-> run4", "daily/1.csv -member-> daily", "daily/1.csv -used-> run2"]);
}

#[test]
fn a_folder_rewritten_in_part_has_both_writers() {
    let mut h = History::default();
    let (a, b, reader) = (h.began(1, 0, "split"), h.began(2, 0, "touch"), h.began(3, 0, "read"));
    let folder = h.folder(&[("1.csv", "1"), ("2.csv", "2")]);
    h.made_folder(a, 1, "daily/", folder);
    h.made(b, 2, "daily/2.csv", content("2"));
    h.used_folder(reader, 3, "daily/", folder);
    let up = lines(&h.trace(Direction::Up, Root::Run(reader)));
    assert!(up.contains(&"daily/2.csv by run2 -member-> daily/".to_owned()), "{up:?}");
    assert!(up.contains(&"daily/ by run1 -member-> daily/".to_owned()), "{up:?}");
}

#[test]
fn the_same_folder_read_by_two_runs_is_one_vertex() {
    let mut h = History::default();
    let (a, b, c) = (h.began(1, 0, "a"), h.began(2, 0, "b"), h.began(3, 0, "c"));
    h.made(a, 1, "daily/1.csv", content("1"));
    let folder = h.folder(&[("1.csv", "1"), ("raw.csv", "raw")]);
    h.used_folder(b, 2, "daily/", folder);
    h.used_folder(c, 3, "daily/", folder);
    let down = h.trace(Direction::Down, Root::Run(a));
    assert_eq!(
        lines(&down),
        ["daily/ -used-> run2", "daily/ -used-> run3", "daily/1.csv by run1 -member-> daily/", "run1 -made-> daily/1.csv by run1"]
    );
    assert_eq!(down.nodes.len(), 5);
}

#[test]
fn one_place_has_many_names() {
    let mut h = History::default();
    let a = h.began_in(1, 0, "a", "ingest", "/srv/ingest");
    let (b, c) = (h.began(2, 0, "b"), h.began(3, 0, "c"));
    h.push_edge(Kind::Made, Edge { project: "ingest".into(), ..edge(a, 1, "out/x.csv", content("x")) });
    h.used(b, 2, "/srv/ingest/out/x.csv", content("x"));
    h.push_edge(Kind::Used, Edge { target: Some("/srv/ingest/out/x.csv".into()), ..edge(c, 2, "data/x.csv", content("x")) });
    for reader in [b, c] {
        let up = h.trace(Direction::Up, Root::Run(reader));
        assert!(up.edges.iter().all(|edge| edge.authority == Authority::Observed), "{:?}", lines(&up));
        assert_eq!(up.edges.len(), 2);
    }
    assert_eq!(lines(&h.trace(Direction::Down, Root::Run(a))).len(), 3);
}

#[test]
fn what_was_corrected_or_retracted_no_longer_holds() {
    let mut h = History::default();
    let (a, b, reader) = (h.began(1, 0, "a"), h.began(2, 0, "b"), h.began(3, 0, "c"));
    h.made(a, 1, "x.csv", content("x"));
    let wrong = h.made(b, 2, "x.csv", content("x"));
    h.used(reader, 3, "x.csv", content("x"));
    let before = lines(&h.trace(Direction::Up, Root::Run(reader)));
    assert_eq!(before, ["run2 -made-> x.csv by run2", "x.csv by run2 -used-> run3"]);
    let mut corrected = h.clone();
    let right = edge(b, 2, "x.csv", content("y")).to_record(Kind::Made, Time(9));
    corrected.push(keizu_record::body::corrected(right, [wrong]));
    let after = ["run1 -made-> x.csv by run1", "x.csv by run1 -used-> run3"];
    assert_eq!(lines(&corrected.trace(Direction::Up, Root::Run(reader))), after);
    assert_eq!(lines(&corrected.trace(Direction::Down, Root::Run(a))), after);
    assert_eq!(lines(&corrected.trace(Direction::Down, Root::Run(b))), ["run2 -made-> x.csv by run2"]);
    h.retract(b, wrong);
    assert_eq!(lines(&h.trace(Direction::Up, Root::Run(reader))), after);
    assert_eq!(lines(&h.trace(Direction::Down, Root::Run(b))), [""; 0]);
}

#[test]
fn only_the_same_subject_may_mend() {
    let mut h = History::default();
    let (a, stranger) = (h.began(1, 0, "a"), h.began(2, 0, "b"));
    let made = h.made(a, 1, "x.csv", content("x"));
    h.retract(stranger, made);
    assert_eq!(h.up("x.csv"), ["run1 -made-> x.csv by run1"]);
}

#[test]
fn listings_and_absences_are_no_data() {
    let mut h = History::default();
    let a = h.began(1, 0, "a");
    for role in [Role::Listing, Role::Absent] {
        h.push_edge(Kind::Used, Edge { role, members: Some(3), ..edge(a, 1, "daily/", content("names")) });
    }
    assert_eq!(lines(&h.trace(Direction::Up, Root::Run(a))), [""; 0]);
}

#[test]
fn a_content_that_was_not_seen_is_said_so() {
    let mut h = History::default();
    let a = h.began(1, 0, "a");
    h.push_edge(Kind::Used, Edge { content: None, unseen: Some("no permission".into()), ..edge(a, 1, "x.csv", content("x")) });
    let up = h.trace(Direction::Up, Root::Run(a));
    assert_eq!(lines(&up), ["x.csv -used-> run1"]);
    let source = up.nodes[1].artifact().unwrap();
    assert_eq!((source.digest, source.unseen.as_deref()), (None, Some("no permission")));
}

#[test]
fn a_model_comes_from_the_parent_that_its_run_read() {
    let mut h = History::default();
    let (base, tune) = (h.began(1, 0, "base"), h.began(2, 0, "tune"));
    h.made(base, 1, "base.pt", content("base"));
    h.used(tune, 2, "base.pt", content("base"));
    h.made(tune, 3, "tuned.pt", content("tuned"));
    h.derived(4, content("tuned"), "fine-tuned from", content("base"));
    let all = [
        "base.pt by run1 -derived from-> tuned.pt by run2",
        "base.pt by run1 -used-> run2",
        "run1 -made-> base.pt by run1",
        "run2 -made-> tuned.pt by run2",
    ];
    let up = h.trace(Direction::Up, place("tuned.pt"));
    assert_eq!(lines(&up), all);
    assert_eq!(up.edges.iter().find_map(|edge| edge.relation.clone()).as_deref(), Some("fine-tuned from"));
    assert_eq!(lines(&h.trace(Direction::Down, Root::Run(base))), all);
}

#[test]
fn added_models_have_parents_too() {
    let mut h = History::default();
    let path = |path: &str| Name::Path { project: PROJECT.into(), path: path.into() };
    h.named(path("base.pt"), 1, None, None, Some("base.pt"), content("base"));
    h.named(path("tuned.pt"), 2, None, None, Some("tuned.pt"), content("tuned"));
    h.derived(4, content("tuned"), "adapter of", content("base"));
    h.derived(4, content("base"), "distilled from", content("never seen"));
    let all = ["? -derived from-> base.pt", "base.pt -derived from-> tuned.pt"];
    assert_eq!(h.up("tuned.pt"), all);
    assert_eq!(lines(&h.trace(Direction::Down, Root::Content(content("never seen")))), all);
    assert_eq!(h.down("base.pt"), ["base.pt -derived from-> tuned.pt"]);
}

#[test]
fn a_version_is_the_write_that_was_named() {
    let mut h = History::default();
    let (a, b) = (h.began(1, 0, "train"), h.began(2, 0, "train"));
    for (run, at) in [(a, 1), (b, 5)] {
        h.used(run, at, "x.csv", content(&format!("x{at}")));
        h.push_edge(Kind::Made, Edge { kind: ArtifactKind::Model, ..edge(run, at + 1, "m.bin", content("m")) });
    }
    let model = || Name::Model("delay".into());
    let one = h.named(model(), 2, Some(1), Some(a), Some("m.bin"), content("m"));
    let two = h.named(model(), 6, Some(2), Some(b), Some("m.bin"), content("m"));
    let champion = Name::Alias { model: "delay".into(), alias: "champion".into() };
    h.named(champion, 7, Some(1), Some(a), Some("m.bin"), content("m"));
    let up = h.trace(Direction::Up, Root::Named(one));
    assert_eq!(lines(&up), ["run1 -made-> m.bin by run1", "x.csv -used-> run1"]);
    let root = &up.nodes[up.roots[0]];
    assert_eq!(root.name, "model:delay@v1");
    assert_eq!(root.artifact().unwrap().aliases, ["champion"]);
    let up = h.trace(Direction::Up, Root::Named(two));
    assert_eq!(up.nodes[up.roots[0]].name, "model:delay@v2");
    assert_eq!(up.nodes[up.roots[0]].artifact().unwrap().aliases, [""; 0]);
    assert_eq!(h.trace(Direction::Up, Root::Content(content("m"))).roots.len(), 2);
}

#[test]
fn an_added_file_that_nobody_read_is_found() {
    let mut h = History::default();
    h.named(Name::Path { project: PROJECT.into(), path: "raw.csv".into() }, 1, None, None, None, content("raw"));
    let up = h.trace(Direction::Up, place("raw.csv"));
    assert_eq!(up.nodes.len(), 1);
    assert!(matches!(up.nodes[0].vertex, Vertex::Source { .. }));
    assert!(h.trace(Direction::Up, place("nothing.csv")).roots.is_empty());
}

#[test]
fn evaluations_measure_the_model_they_read() {
    let mut h = History::default();
    let (train, other, eval) = (h.began(1, 0, "train"), h.began(2, 0, "train"), h.began(3, 0, "evaluate"));
    let model = |edge: Edge| Edge { kind: ArtifactKind::Model, ..edge };
    h.push_edge(Kind::Made, model(edge(train, 1, "m.bin", content("m"))));
    h.push_edge(Kind::Used, model(edge(eval, 3, "m.bin", content("m"))));
    h.push_edge(Kind::Used, Edge { role: Role::EvaluationData, ..edge(eval, 3, "holdout.csv", content("h")) });
    h.push_edge(Kind::Made, Edge { kind: ArtifactKind::Evaluation, ..edge(eval, 4, "eval.json", content("e")) });
    h.push_edge(Kind::Made, model(edge(other, 5, "m.bin", content("m"))));
    let metric = keizu_record::Record::new(Kind::Described, content("e"), Time(5), Time(5));
    h.push(metric.with(keizu_record::Group::Metric, "auc", 0.741));
    assert!(h.trace(Direction::Up, Root::Run(train)).measured.is_empty());
    let up = h.trace(Direction::Up, Root::ContentAt { project: PROJECT.into(), path: "m.bin".into(), digest: content("m") });
    assert!(up.measured.is_empty(), "the newest write was not measured");
    let old = h.named(Name::Model("m".into()), 2, Some(1), Some(train), Some("m.bin"), content("m"));
    let up = h.trace(Direction::Up, Root::Named(old));
    let [measure] = up.measured.as_slice() else { panic!("{:?}", up.measured) };
    assert_eq!((measure.evaluation.name.as_str(), &measure.run.vertex), ("eval.json", &Vertex::Run(eval)));
    assert_eq!(measure.on[0].name, "holdout.csv");
    assert!(measure.metrics.contains_key("auc"));
}

#[test]
fn filters_and_limits() {
    let mut h = History::default();
    let (a, b) = (h.began(1, 0, "a"), h.began(2, 0, "b"));
    h.used(a, 1, "raw.csv", content("raw"));
    h.push_edge(Kind::Used, Edge { kind: ArtifactKind::Code, role: Role::Code, ..edge(a, 1, "a.py", content("a")) });
    h.made(a, 2, "x.csv", content("x"));
    h.used(b, 3, "x.csv", content("x"));
    h.push_edge(Kind::Used, Edge { authority: Authority::Declared, ..edge(b, 3, "said.csv", content("s")) });
    h.made(b, 4, "y.csv", content("y"));
    let ask = |options: Options| h.ask(place("y.csv"), &options);
    let names = |options: Options| {
        let mut names: Vec<String> = ask(options).nodes.iter().filter(|node| node.run().is_none()).map(|node| node.name.clone()).collect();
        names.sort();
        names
    };
    let all = Options::default;
    assert_eq!(names(all()), ["a.py", "raw.csv", "said.csv", "x.csv", "y.csv"]);
    assert_eq!(names(Options { kinds: vec![ArtifactKind::Data], ..all() }), ["raw.csv", "said.csv", "x.csv", "y.csv"]);
    assert_eq!(names(Options { authorities: vec![Authority::Observed], ..all() }), ["a.py", "raw.csv", "x.csv", "y.csv"]);
    assert_eq!(names(Options { depth: Some(0), ..all() }), ["y.csv"]);
    assert_eq!(names(Options { depth: Some(1), ..all() }), ["said.csv", "x.csv", "y.csv"]);
    assert_eq!(names(Options { depth: Some(2), ..all() }), ["a.py", "raw.csv", "said.csv", "x.csv", "y.csv"]);
    assert!(!ask(Options { depth: Some(1), ..all() }).truncated);
    let cut = ask(Options { nodes_max: 3, ..all() });
    assert_eq!((cut.nodes.len(), cut.truncated), (3, true));
    assert_eq!(ask(all()), ask(all()));
}

#[test]
fn a_level_costs_the_same_number_of_calls_however_wide_it_is() {
    let calls = |width: u16| {
        let mut h = History::default();
        let reader = h.began(1, 0, "read");
        for number in 0..width {
            let run = keizu_record::RunId::new([[2; 14].as_slice(), &number.to_be_bytes()].concat().try_into().expect("16 bytes"));
            h.made(run, 1, &format!("{number}.csv"), content(&number.to_string()));
            h.used(reader, 2, &format!("{number}.csv"), content(&number.to_string()));
            h.used(run, 1, "raw.csv", content("raw"));
        }
        assert_eq!(h.trace(Direction::Up, Root::Run(reader)).nodes.len(), 2 * usize::from(width) + 2);
        h.calls.get()
    };
    assert_eq!(calls(2), calls(500));
}
