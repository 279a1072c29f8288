use super::*;
use crate::account::Read;
use crate::event::Stat;
use keizu_record::Time;
use std::fs;
use std::os::unix::fs::symlink;

/// A folder with an installation and what lies in it.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        for (path, content) in files {
            let path = tree.path(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        tree
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn look(&self, exe: &str, argv: &str, opened: &[&str]) -> Python {
        let process = Process {
            pid: 1,
            ppid: 0,
            argv: vec![self.path(argv).into_os_string().into_encoded_bytes()],
            exe: self.path(exe),
            began: Time(0),
            ended: None,
            exit_code: None,
            watched: true,
        };
        let stat = Stat { dev: 0, ino: 0, size: 0, mtime: 0, ctime: 0, folder: false };
        let file = |path: &&str| File {
            path: self.path(path),
            target: None,
            names: Vec::new(),
            read: Some(Read { at: Time(0), stat, content: None, unseen: None, changed: None }),
            write: None,
            pids: vec![1],
            executed: path.contains("libpython"),
            redirected: false,
        };
        let files: Vec<File> = opened.iter().map(file).collect();
        let mut found = look(&[process.clone(), Process { exe: "/bin/sh".into(), ..process }], &files, &BTreeMap::new());
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    fn roots(&self, python: &Python) -> Vec<String> {
        python.roots.iter().map(|root| root.strip_prefix(self.0.path()).unwrap().display().to_string()).collect()
    }
}

const NUMPY: &str = "Metadata-Version: 2.1\nName: numpy\nVersion: 1.26.4\n\nName: not this\n";

#[test]
fn a_virtual_environment_of_an_installation() {
    let site = "env/lib/python3.11/site-packages";
    let tree = Tree::new(&[
        ("base/bin/python3.11", "\x7fELF\x003.11.7\0"),
        ("base/lib/python3.11/os.py", ""),
        ("env/pyvenv.cfg", "home = /base/bin\nversion = 3.11.4\n"),
        (&format!("{site}/numpy-1.26.4.dist-info/METADATA"), NUMPY),
        (&format!("{site}/numpy/__init__.py"), ""),
        (&format!("{site}/pillow-10.0.0.dist-info/METADATA"), "Name: Pillow\nVersion: 10.0.0\n"),
        (&format!("{site}/pillow-10.0.0.dist-info/RECORD"), "PIL/__init__.py,sha256=x,1\nPIL/Image.py,sha256=y,2\n"),
        (&format!("{site}/google_auth-2.0.dist-info/METADATA"), "Name: google.auth\nVersion: 2.0\n"),
        (&format!("{site}/google_auth-2.0.dist-info/RECORD"), "google/auth/__init__.py,,\n"),
        (&format!("{site}/google_rpc-1.0.dist-info/METADATA"), "Name: google_rpc\nVersion: 1.0\n"),
        (&format!("{site}/google_rpc-1.0.dist-info/RECORD"), "google/rpc/__init__.py,,\n"),
        (&format!("{site}/google/auth/__init__.py"), ""),
        (&format!("{site}/mine-0.1.dist-info/METADATA"), "Name: Mine_._Too\nVersion: 0.1\n"),
        (&format!("{site}/mine-0.1.dist-info/direct_url.json"), r#"{"url": "file:///m", "dir_info": {"editable": true}}"#),
    ]);
    fs::create_dir_all(tree.path("env/bin")).unwrap();
    symlink("../../base/bin/python3.11", tree.path("env/bin/python")).unwrap();
    let opened = [
        "env/pyvenv.cfg",
        "base/lib/python3.11/os.py",
        &format!("{site}/numpy/__pycache__/version.cpython-311.pyc"),
        &format!("{site}/PIL/__pycache__/Image.cpython-311.pyc"),
        &format!("{site}/google/auth/__init__.py"),
        &format!("{site}/mine-0.1.dist-info/METADATA"),
    ];
    let python = tree.look("base/bin/python3.11", "env/bin/python", &opened);
    assert_eq!((python.version.as_str(), python.prefix.clone()), ("3.11.7", tree.path("env")));
    assert_eq!(tree.roots(&python), ["base/lib/python3.11", "env/lib/python3.11", site]);
    let packages: Vec<(&str, &str)> = python.packages.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let wanted = [("google-auth", "2.0"), ("google-rpc", "1.0"), ("mine-too", "0.1 (editable)"), ("numpy", "1.26.4"), ("pillow", "10.0.0")];
    assert_eq!(packages, wanted);
    assert_eq!(python.used, ["google-auth", "numpy", "pillow"]);
    // the file that the interpreter read tells as well as its name
    assert_eq!(tree.look("base/bin/python3.11", "elsewhere/python", &opened).prefix, tree.path("env"));
    assert_eq!(tree.look("base/bin/python3.11", "base/bin/python3.11", &[]).prefix, tree.path("base"));
}

#[test]
fn a_conda_environment_with_a_library_of_its_own() {
    let tree = Tree::new(&[
        ("conda/bin/python3.12", "\x7fELF"),
        ("conda/lib/libpython3.12.so.1.0", "x\x003.12.1\0y"),
        ("conda/lib/python3.12/site-packages/numpy-1.26.4.dist-info/METADATA", NUMPY),
        ("conda/conda-meta/mkl-2023.1.0-h213fc3f_46343.json", "{}"),
        ("conda/conda-meta/numpy-1.26.4-py312.json", "{}"),
        ("conda/conda-meta/history", ""),
    ]);
    let python = tree.look("conda/bin/python3.12", "conda/bin/python", &["conda/lib/libpython3.12.so.1.0"]);
    assert_eq!(python.version, "3.12.1");
    assert_eq!(tree.roots(&python), ["conda/lib/python3.12/site-packages"]);
    let wanted = BTreeMap::from([("conda:mkl".into(), "2023.1.0 (h213fc3f_46343)".into()), ("numpy".into(), "1.26.4".into())]);
    assert_eq!(python.packages, wanted);
    assert_eq!(python.used, [""; 0]);
}

#[test]
fn debian_has_folders_of_its_own() {
    let tree = Tree::new(&[
        ("usr/bin/python3.11", "a\x003.11.2\0b"),
        ("usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO", "Name: six\nVersion: 1.16.0\n"),
        ("usr/lib/python3/dist-packages/six.py", ""),
        ("usr/lib/python3/dist-packages/yaml.egg-info", "Name: PyYAML\nVersion: 6.0\n"),
        ("usr/local/lib/python3.11/dist-packages/six-1.17.0.dist-info/METADATA", "Name: six\nVersion: 1.17.0\n"),
    ]);
    let python = tree.look("usr/bin/python3.11", "usr/bin/python3", &["usr/lib/python3/dist-packages/__pycache__/six.cpython-311.pyc"]);
    assert_eq!(python.version, "3.11.2");
    assert_eq!(tree.roots(&python), ["usr/lib/python3/dist-packages", "usr/local/lib/python3.11/dist-packages"]);
    assert_eq!(python.packages, BTreeMap::from([("pyyaml".into(), "6.0".into()), ("six".into(), "1.16.0".into())]));
    assert_eq!(python.used, ["six"]);
}

#[test]
fn names_of_interpreters_and_series() {
    for name in ["python", "python3", "python3.11", "python3.13t", "pypy3.10", "graalpy"] {
        assert!(named_python(Path::new("/x").join(name).as_path()), "{name}");
    }
    for name in ["pythonic", "python-config", "ipython", "python3.11-config"] {
        assert!(!named_python(Path::new("/x").join(name).as_path()), "{name}");
    }
    assert_eq!(series(Path::new("/usr/lib/python3.11/site-packages")).as_deref(), Some("3.11"));
    assert_eq!(series(Path::new("/usr/bin/python3")), None);
    assert_eq!(series(Path::new("/usr/bin/python3.13t")).as_deref(), Some("3.13"));
    assert_eq!(roots_of(Path::new("/a/mylib/python3.9/b")), Vec::<PathBuf>::new());
}
