//! The page, as people read it.

use insta::assert_snapshot;
use keizu_ledger::why::{Cause, CauseKind, Effect, Group, Metric, State, Why, Writer};
use keizu_record::{Authority, Digest, FilePath, RunId, Time, Value};

use super::{Shown, page};
use crate::render::look::Look;
use crate::render::names::Trusting;

fn state(name: &str, digit: u8) -> State {
    State {
        name: name.into(),
        project: "flights".into(),
        path: Some(FilePath::from("models/delay.joblib")),
        content: Some(Digest::new([digit; 32])),
        made: Some(RunId::new([digit; 16])),
        measured: Some(RunId::new([digit + 0x10; 16])),
        evaluations: vec![(FilePath::from("eval.json"), None)],
        at: Some(Time(0)),
        measured_at: Some(Time(0)),
    }
}

fn cause(rank: usize, group: Group, kind: CauseKind, effect: Effect, subject: &str, detail: &str) -> Cause {
    Cause { rank, factor: rank, ..Cause::new(group, kind, effect, subject, detail) }
}

fn relabelled() -> Cause {
    let at: jiff::Timestamp = "2026-11-22T11:00:00Z".parse().expect("a time");
    Cause {
        before: Some("12ce77a0".into()),
        after: Some("98d1f3b2".into()),
        writer: Some(Writer {
            run: RunId::new([0xc4; 16]),
            command: vec!["/usr/bin/python".into(), "fix_labels.py".into()],
            at: Time(at.as_microsecond()),
        }),
        ..cause(
            1,
            Group::Measure,
            CauseKind::EvaluationData,
            Effect::Likely,
            "data/holdout.csv",
            "27,004 rows as before; 1,344 values of late flipped (5.0 %), all where carrier = \"EV\"",
        )
    }
}

fn why() -> Why {
    Why {
        a: state("model:delay@v3", 3),
        b: Some(state("model:delay@v2", 2)),
        metrics: vec![
            Metric { name: "auc".into(), before: Some(Value::Float(0.741)), after: Some(Value::Float(0.702)) },
            Metric { name: "logloss".into(), before: Some(Value::Float(0.5)), after: Some(Value::Float(0.6)) },
        ],
        causes: vec![relabelled()],
        same: vec![CauseKind::EvaluationCode, CauseKind::TrainingData, CauseKind::Code, CauseKind::Params, CauseKind::Environment],
        unseen: Vec::new(),
        notes: Vec::new(),
    }
}

fn draw(why: &Why, shown: &Shown<'_>, width: usize) -> String {
    page(why, shown, &Trusting, &Look::fixed(width)).paint(false)
}

#[test]
fn the_measure_changed() {
    assert_snapshot!(draw(&why(), &Shown::default(), 80), @r#"
    model:delay@v3 against v2                            auc 0.741 → 0.702  (−0.039)

    The measure changed
      1  evaluation data   data/holdout.csv   12ce77a0 → 98d1f3b2
           27,004 rows as before; 1,344 values of late flipped (5.0 %), all where
           carrier = "EV"
           last written 2 days ago by run:c4c4c4  python fix_labels.py
         same evaluation code

    The model did not change
         same training data, code, parameters, environment
    "#);
}

#[test]
fn the_model_changed_in_several_ways() {
    let mut answer = why();
    answer.same = vec![CauseKind::EvaluationData, CauseKind::EvaluationCode, CauseKind::Seed, CauseKind::Hardware];
    let likely = |rank, kind, subject: &str, detail: &str| cause(rank, Group::Model, kind, Effect::Likely, subject, detail);
    answer.causes = vec![
        Cause {
            via: vec!["features/train.parquet".into()],
            ..likely(
                1,
                CauseKind::TrainingData,
                "daily/2013-01-04.csv",
                "changed (1 of 365 files): 914 rows as before; 914 values of late flipped (100.0 %)",
            )
        },
        Cause {
            before: Some("378d631d".into()),
            after: Some("d708ff1c".into()),
            evidence: vec!["- ROUNDS = 6".into(), "+ ROUNDS = 2".into()],
            ..likely(2, CauseKind::Code, "train.py", "ROUNDS: 6 → 2")
        },
        Cause {
            before: Some("4".into()),
            after: Some("6".into()),
            authority: Authority::Inferred,
            rule: Some("parameters from arguments".into()),
            ..likely(3, CauseKind::Params, "depth", "4 → 6 on the command line")
        },
        Cause {
            because: vec![likely(1, CauseKind::TrainingData, "base.csv", "600 rows as before; age changed in 12 rows")],
            before: Some("f872c2c9".into()),
            after: Some("b067148a".into()),
            ..likely(4, CauseKind::ParentModel, "base.bin", "58 → 59 bytes")
        },
        cause(5, Group::Model, CauseKind::Params, Effect::Unlikely, "config.yaml", "only comments, order or layout changed"),
    ];
    assert_snapshot!(draw(&answer, &Shown::default(), 80), @r"
    model:delay@v3 against v2                            auc 0.741 → 0.702  (−0.039)

    The measure did not change
         same evaluation data, evaluation code

    The model changed
      1  training data   daily/2013-01-04.csv
           changed (1 of 365 files): 914 rows as before; 914 values of late flipped
           (100.0 %)
           via features/train.parquet
      2  code            train.py               378d631d → d708ff1c
           ROUNDS: 6 → 2
           - ROUNDS = 6
           + ROUNDS = 2
      3  parameters      depth                  4 → 6
           on the command line  (inferred: parameters from arguments)
      4  parent model    base.bin               f872c2c9 → b067148a
           58 → 59 bytes
           because of training data base.csv: 600 rows as before; age changed in 12…
         same seed, hardware

    Differs as well, hardly with an effect
      5  parameters   config.yaml  only comments, order or layout changed
    ");
    assert_snapshot!(draw(&answer, &Shown::default(), 50), @r"
    model:delay@v3 against v2
      auc 0.741 → 0.702  (−0.039)

    The measure did not change
         same evaluation data, evaluation code

    The model changed
      1  training data   daily/2013-01-04.csv
           changed (1 of 365 files): 914 rows as
           before; 914 values of late flipped (100.0
           %)
           via features/train.parquet
      2  code            train.py
           ROUNDS: 6 → 2
           - ROUNDS = 6
           + ROUNDS = 2
      3  parameters      depth                  4 → 6
           on the command line  (inferred: parameters
           from arguments)
      4  parent model    base.bin
           58 → 59 bytes
           because of training data base.csv: 600 row…
         same seed, hardware

    Differs as well, hardly with an effect
      5  parameters   config.yaml  only comments, ord…
    ");
}

#[test]
fn nothing_that_was_seen_differs() {
    let mut answer = why();
    answer.causes = vec![Cause {
        authority: Authority::Inferred,
        rule: Some("everything seen is the same".into()),
        ..cause(
            1,
            Group::Model,
            CauseKind::InputsUnseen,
            Effect::Likely,
            "python train.py",
            "the result came out different, though everything that was seen is the same",
        )
    }];
    answer.unseen = vec!["randomness: no seed was seen on the command line or in settings".into()];
    assert_snapshot!(draw(&answer, &Shown::default(), 80), @r"
    model:delay@v3 against v2                            auc 0.741 → 0.702  (−0.039)

    The measure did not change
         same evaluation code

    The model changed
      1  not seen   python train.py
           the result came out different, though everything that was seen is the
           same  (inferred: everything seen is the same)
         same training data, code, parameters, environment

    Not seen
         randomness: no seed was seen on the command line or in settings
    ");
}

#[test]
fn the_same_model_measured_otherwise() {
    let mut answer = why();
    answer.b = Some(State { content: answer.a.content, measured: Some(RunId::new([9; 16])), ..answer.a.clone() });
    let shown = Shown { metric: Some("logloss"), whole: true, ..Shown::default() };
    assert_snapshot!(draw(&answer, &shown, 80), @r#"
    model:delay@v3 against itself: measured now by run:131313, before by run:090909
      logloss 0.5 → 0.6  (+0.1)
      auc 0.741 → 0.702  (−0.039)

    The measure changed
      1  evaluation data   data/holdout.csv   12ce77a0 → 98d1f3b2
           27,004 rows as before; 1,344 values of late flipped (5.0 %), all where
           carrier = "EV"
           last written 2 days ago by run:c4c4c4  python fix_labels.py
         same evaluation code

    The model did not change
         same training data, code, parameters, environment
    "#);
}

#[test]
fn there_is_nothing_earlier() {
    let answer =
        Why { b: None, causes: Vec::new(), metrics: Vec::new(), notes: vec!["model:delay@v1 is the first version".into()], ..why() };
    assert_snapshot!(draw(&answer, &Shown::default(), 80), @r"
    model:delay@v3
      model:delay@v1 is the first version
    ");
}
