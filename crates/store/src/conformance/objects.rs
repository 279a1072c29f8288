//! What every keeper of contents must do.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

use keizu_record::Digest;

use super::Random;
use crate::{Error, Objects};

/// Every check, each on contents that `new` gives, empty. Two handles on the same contents.
pub fn all(new: &dyn Fn() -> (Arc<dyn Objects>, Arc<dyn Objects>)) {
    let checks: &[fn(&dyn Objects, &dyn Objects)] =
        &[contents_come_back, wrong_contents_are_refused, lists_are_complete, failing_reads_keep_nothing];
    for check in checks {
        let (one, other) = new();
        check(&*one, &*other);
    }
    many_threads_keep_the_same(new().0);
}

fn listed(objects: &dyn Objects) -> Vec<(Digest, u64)> {
    let mut all = Vec::new();
    let visit = &mut |digest, size| {
        all.push((digest, size));
        ControlFlow::Continue(())
    };
    objects.list(visit).expect("list");
    all
}

/// Small, empty, large; before and after the sync; here and through another handle; until removed.
pub fn contents_come_back(one: &dyn Objects, other: &dyn Objects) {
    let mut random = Random(3);
    let large: Vec<u8> = (0..300_000).flat_map(|_| random.number().to_be_bytes()).collect();
    let contents: [&[u8]; 4] = [b"", b"yes", &[0; 70_000], &large];
    for content in contents {
        let digest = Digest::of(content);
        assert_eq!(one.size(&digest).expect("size"), None);
        assert!(one.open(&digest).expect("open").is_none());
        assert_eq!(one.put(&digest, &mut &*content).expect("put"), content.len() as u64);
        assert_eq!(one.bytes(&digest).expect("bytes").as_deref(), Some(content), "before the sync");
        assert_eq!(one.put_bytes(content).expect("put"), digest, "again is fine");
    }
    one.sync().expect("sync");
    one.sync().expect("and again");
    for content in contents {
        let digest = Digest::of(content);
        for objects in [one, other] {
            assert_eq!(objects.size(&digest).expect("size"), Some(content.len() as u64));
            assert!(objects.has(&digest).expect("has"));
            assert_eq!(objects.bytes(&digest).expect("bytes").as_deref(), Some(content));
        }
        assert!(other.remove(&digest).expect("remove"));
        assert!(!one.remove(&digest).expect("remove"));
        assert!(!one.has(&digest).expect("has") && one.open(&digest).expect("open").is_none());
    }
    let late = one.put_bytes(b"never synced").expect("put");
    assert!(one.remove(&late).expect("remove") && !one.has(&late).expect("has"));
    one.sync().expect("sync");
    assert!(!other.has(&late).expect("has"), "what was removed does not come back");
}

/// A content that changed while it was read.
pub fn wrong_contents_are_refused(one: &dyn Objects, _: &dyn Objects) {
    let (expected, found) = (Digest::of(b"before"), Digest::of(b"after"));
    match one.put(&expected, &mut &b"after"[..]) {
        Err(Error::Content { expected: e, found: f }) => assert_eq!((e, f), (expected, found)),
        other => panic!("{other:?}"),
    }
    one.sync().expect("sync");
    assert!(!one.has(&expected).expect("has") && !one.has(&found).expect("has"));
    assert_eq!(listed(one), []);
}

/// Ascending, with sizes, synced or not, and stopped when asked.
pub fn lists_are_complete(one: &dyn Objects, other: &dyn Objects) {
    let mut expected = Vec::new();
    for n in 0..600u64 {
        let content = vec![7; n as usize];
        expected.push((one.put_bytes(&content).expect("put"), n));
        if n == 400 {
            one.sync().expect("sync");
        }
    }
    expected.sort_unstable();
    assert_eq!(listed(one), expected);
    one.sync().expect("sync");
    assert_eq!(listed(one), expected);
    assert_eq!(listed(other), expected);
    let mut seen = 0;
    let visit = &mut |_, _| {
        seen += 1;
        if seen == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    one.list(visit).expect("list");
    assert_eq!(seen, 5);
}

/// A source that breaks in the middle.
pub fn failing_reads_keep_nothing(one: &dyn Objects, _: &dyn Objects) {
    struct Breaks(usize);
    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 => Err(std::io::ErrorKind::Interrupted.into()),
                2 => {
                    buffer[..3].copy_from_slice(b"yes");
                    Ok(3)
                }
                _ => Err(std::io::Error::other("the disk is on fire")),
            }
        }
    }
    let error = one.put(&Digest::of(b"yes"), &mut Breaks(0)).expect_err("it broke");
    assert!(error.to_string().contains("on fire"), "{error}");
    one.sync().expect("sync");
    assert_eq!(listed(one), []);
}

/// The same contents from many sides at once.
pub fn many_threads_keep_the_same(objects: Arc<dyn Objects>) {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for n in 0..50u64 {
                    let digest = objects.put_bytes(&n.to_be_bytes()).expect("put");
                    if n % 10 == 0 {
                        objects.sync().expect("sync");
                    }
                    assert_eq!(objects.bytes(&digest).expect("bytes").as_deref(), Some(&n.to_be_bytes()[..]));
                }
            });
        }
    });
    objects.sync().expect("sync");
    assert_eq!(listed(&*objects).len(), 50);
}
