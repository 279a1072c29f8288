//! What only the folder of contents does.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use keizu_record::Digest;
use keizu_store::objects::Folder;
use keizu_store::verify::verify_objects;
use keizu_store::{Error, Objects as _};

#[test]
fn a_content_lies_under_its_name_once_it_is_durable() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::new(root.path().join("objects"));
    let digest = folder.put_bytes(b"label,x\n").unwrap();
    let path = root.path().join("objects").join(&digest.hex()[..2]).join(&digest.hex()[2..]);
    assert_eq!(folder.path(&digest), path);
    assert!(!path.exists() && !Folder::new(root.path().join("objects")).has(&digest).unwrap());
    folder.sync().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"label,x\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o222, 0, "nobody edits it by accident");
    assert_eq!(fs::read_dir(root.path().join("objects/incoming")).unwrap().count(), 0);
    // what was never synced is not lost with the handle
    let late = folder.put_bytes(b"late").unwrap();
    drop(folder);
    assert!(Folder::new(root.path().join("objects")).has(&late).unwrap());
}

#[test]
fn a_damaged_content_is_named() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::new(root.path());
    let all: Vec<Digest> = (0..40u64).map(|n| folder.put_bytes(&n.to_be_bytes()).unwrap()).collect();
    folder.sync().unwrap();
    let report = verify_objects(&folder, &mut |_, _| {}).unwrap();
    assert_eq!((report.intact, report.bytes, report.faults), (40, 320, vec![]));
    let (flipped, cut, gone) = (folder.path(&all[3]), folder.path(&all[4]), folder.path(&all[5]));
    for path in [&flipped, &cut, &gone] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    fs::write(&flipped, [1; 8]).unwrap();
    fs::write(&cut, [0; 3]).unwrap();
    fs::remove_file(&gone).unwrap();
    let mut told = 0;
    let report = verify_objects(&folder, &mut |_, _| told += 1).unwrap();
    let mut damaged: Vec<Digest> = report.faults.iter().map(|(digest, _)| *digest).collect();
    damaged.sort_by_key(|digest| all.iter().position(|known| known == digest));
    assert_eq!((report.intact, damaged, told), (37, vec![all[3], all[4]], 39));
    assert!(report.faults.iter().any(|(_, what)| what.contains(&Digest::of(&[1; 8]).to_string())));
}

#[test]
fn what_is_not_a_content_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::new(root.path());
    folder.put_bytes(b"yes").unwrap();
    folder.sync().unwrap();
    fs::create_dir_all(root.path().join("00/folder")).unwrap();
    fs::write(root.path().join("00/short"), "").unwrap();
    fs::write(root.path().join("README"), "").unwrap();
    assert_eq!(verify_objects(&folder, &mut |_, _| {}).unwrap().intact, 1);
}

#[test]
fn a_folder_for_reading_is_not_written() {
    let root = tempfile::tempdir().unwrap();
    let digest = Folder::new(root.path()).put_bytes(b"yes").unwrap();
    let reader = Folder::read_only(root.path());
    assert_eq!(reader.bytes(&digest).unwrap().as_deref(), Some(&b"yes"[..]));
    assert!(matches!(reader.put_bytes(b"no"), Err(Error::ReadOnly { .. })));
    assert!(matches!(reader.remove(&digest), Err(Error::ReadOnly { .. })));
    let nowhere = Folder::read_only(root.path().join("no/such"));
    assert!(!nowhere.has(&digest).unwrap());
    assert_eq!(verify_objects(&nowhere, &mut |_, _| {}).unwrap().intact, 0);
}

#[test]
fn what_dead_processes_left_goes_after_a_week() {
    let root = tempfile::tempdir().unwrap();
    let desk = root.path().join("incoming");
    fs::create_dir_all(&desk).unwrap();
    for (name, days) in [("old", 8), ("fresh", 1)] {
        let file = fs::File::create(desk.join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60)).unwrap();
    }
    Folder::new(root.path()).put_bytes(b"yes").unwrap();
    assert!(!desk.join("old").exists() && desk.join("fresh").exists());
}

#[test]
fn a_file_in_the_way_is_named() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("objects"), "in the way").unwrap();
    let error = Folder::new(root.path().join("objects")).put_bytes(b"yes").unwrap_err();
    assert!(error.to_string().contains("objects"), "{error}");
}
