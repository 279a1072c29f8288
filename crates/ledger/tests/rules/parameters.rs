//! Parameters: from the command line, from settings, declared.

use keizu_capture::host::Start;
use keizu_ledger::rules;
use keizu_record::body::RunBegan;
use keizu_record::{Authority, Group, Record, RunId, Time, Value};

use crate::kit::*;

fn params(records: &[Record]) -> Vec<(String, Value, Authority)> {
    let all =
        records.iter().flat_map(|record| record.group(Group::Param).map(|(key, value)| (key.to_owned(), value.clone(), record.authority)));
    all.collect()
}

#[test]
fn the_beginning_of_a_run() {
    let start = Start {
        run: RunId::new([1; 16]),
        parent: None,
        root: ROOT.into(),
        command: ["python", "t.py", "--depth", "6", "--password", "hunter2"].map(|word| word.as_bytes().to_vec()).to_vec(),
        cwd: format!("{ROOT}/sub").into(),
        pid: 7,
        began: Time(5),
        monotonic_offset: 0,
        redirections: Vec::new(),
        variables: Default::default(),
        host_data: serde_json::Value::Null,
    };
    let options = rules::Options {
        project: "flights".into(),
        name: Some("train".into()),
        params: vec![("fold".into(), "3".into()), ("api_token".into(), "x".into())],
        tags: vec!["nightly".into(), "team=risk".into()],
        user: "aki".into(),
        host: "laptop".into(),
        ..Default::default()
    };
    let draft = rules::began(&start, &options, Time(6));
    let began = RunBegan::read(&draft.records[0]).unwrap();
    assert_eq!((began.project.as_str(), began.name.as_deref(), began.cwd.as_str()), ("flights", Some("train"), Some("sub")));
    assert_eq!(began.command.last().unwrap(), b"[redacted]");
    assert_eq!(
        params(&draft.records),
        [
            ("depth".to_owned(), Value::Int(6), Authority::Inferred),
            ("password".to_owned(), "[redacted]".into(), Authority::Inferred),
            ("api_token".to_owned(), "[redacted]".into(), Authority::Declared),
            ("fold".to_owned(), Value::Int(3), Authority::Declared),
        ]
    );
    let tags: Vec<_> =
        draft.records.iter().flat_map(|record| record.group(Group::Tag).map(|(key, value)| (key.to_owned(), value.clone()))).collect();
    assert_eq!(tags, [("nightly".to_owned(), "".into()), ("team".to_owned(), "risk".into())]);
}

#[test]
fn settings_are_flattened_and_secrets_hidden() {
    let scene = Scene::of("python t.py")
        .read("config.yaml", b"model:\n  depth: 4\ndb_password: x1\nmax_tokens: 512\n")
        .read(".env", b"DEBUG=1\nMODE=production-long\nAPI_KEY=abc\n")
        .configured("[redact]\nparams = [\"depth\"]\n[roles]\n\"x.json\" = \"data\"\n")
        .read("x.json", b"{\"a\": 1}");
    let found: Vec<_> = params(&scene.prepare().records).into_iter().map(|(key, value, _)| (key, value)).collect();
    assert_eq!(
        found,
        [
            (".env:API_KEY".to_owned(), "[redacted]".into()),
            (".env:DEBUG".to_owned(), Value::Int(1)),
            (".env:MODE".to_owned(), "[redacted]".into()),
            ("config.yaml:db_password".to_owned(), "[redacted]".into()),
            ("config.yaml:max_tokens".to_owned(), Value::Int(512)),
            ("config.yaml:model.depth".to_owned(), Value::Int(4)),
        ]
    );
}

#[test]
fn scripts_inside_a_script_say_theirs() {
    let scene = Scene::of("bash all.sh --fast").change(|account| {
        account.processes.push(process(101, "python train.py --depth 6"));
        account.processes.push(process(102, "python day.py --day 1"));
        account.processes.push(process(103, "python day.py --day 2"));
        account.processes.push(process(104, "sort --key=2 x.csv"));
    });
    let found: Vec<_> = params(&scene.prepare().records).into_iter().map(|(key, value, _)| (key, value)).collect();
    assert_eq!(
        found,
        [("day.py:day".to_owned(), Value::List(vec![Value::Int(1), Value::Int(2)])), ("train.py:depth".to_owned(), Value::Int(6)),]
    );
}
