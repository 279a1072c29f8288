//! Programs that loaders, sanitizers, allocators, other users and other roots make strange: the job's output stays byte for byte what it is
//! without us, and what cannot be seen is told.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::path::Path;
use std::process::Command;

use common::{Account, Project, code, compile, eventually, probe, python, tool};

/// Runs it twice, and compares; the account of the watched one.
#[track_caller]
fn same(project: &Project, words: &[&str]) -> Account {
    let plain = project.plain(words).output().unwrap();
    project.forget();
    let output = project.run(words);
    assert_eq!(String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&plain.stderr), "{words:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&plain.stdout), "{words:?}");
    assert_eq!(code(&output), code(&plain), "{words:?}");
    project.account()
}

const COPY: &str = r#"#include <stdio.h>
int main(int argc, char **argv) {
    FILE *in = fopen("in.txt", "r"), *out = fopen("out.txt", "w");
    if (!in || !out) return 9;
    for (int c; (c = getc(in)) != EOF;) putc(c, out);
    puts("copied");
    return 0;
}"#;

fn copies(project: &Project, program: &Path) -> Account {
    project.write("in.txt", "content");
    same(project, &[program.to_str().unwrap()])
}

#[test]
fn glibc_and_musl() {
    for (compiler, options) in [("cc", &[][..]), ("musl-gcc", &[]), ("cc", &["-fsanitize=address"]), ("cc", &["-no-pie", "-Wl,-z,lazy"])] {
        let project = Project::new();
        let Some(program) = compile(&project, compiler, "copy", COPY, options) else { continue };
        let account = copies(&project, &program);
        account.read("in.txt");
        account.wrote("out.txt");
        assert_eq!(account.list("processes")[0]["exit_code"], 0);
    }
}

#[test]
fn a_child_of_each_kind_tells_its_exit_code() {
    for compiler in ["cc", "musl-gcc"] {
        let project = Project::new();
        let Some(program) = compile(&project, compiler, "seven", "int main() { return 7; }", &[]) else { continue };
        let script = format!("{} ; exit 0", program.display());
        let account = same(&project, &["sh", "-c", &script]);
        let found = account.list("processes").iter().find(|p| p["exe"].as_str().is_some_and(|exe| exe.ends_with("seven")));
        assert_eq!(found.unwrap()["exit_code"], 7, "{compiler}");
    }
}

#[test]
fn static_programs_run_and_are_named() {
    for compiler in ["cc", "musl-gcc"] {
        let project = Project::new();
        let Some(program) = compile(&project, compiler, "copy", COPY, &["-static"]) else { continue };
        project.write("in.txt", "content");
        let account = same(&project, &["sh", "-c", &format!("{}; cat in.txt", program.display())]);
        let blind = account.blind("static");
        assert!(blind.len() == 1 && blind[0].contains("copy"), "{blind:?}");
        // as the root it is said at once
        project.forget();
        let output = project.run(&[program.to_str().unwrap()]);
        assert!(String::from_utf8_lossy(&output.stderr).contains("is static"));
        assert_eq!((code(&output), project.account().text("ending").as_str()), (0, "Exited(0)"));
    }
}

#[test]
fn a_static_launcher_hands_the_library_on() {
    let project = Project::new();
    let source = "#include <unistd.h>\nint main() { execl(\"/bin/sh\", \"sh\", \"-c\", \"echo x > out.txt\", (char *)0); return 1; }";
    let Some(program) = compile(&project, "musl-gcc", "starter", source, &["-static"]) else { return };
    same(&project, &["sh", "-c", &format!("{}; exit 2", program.display())]).wrote("out.txt");
}

/// Exits with 6 by the 32-bit system call, without a C library; its loader reads LD_PRELOAD when there is one.
const THIRTY_TWO: &str = "void _start(void) { __asm__(\"int $0x80\" : : \"a\"(1), \"b\"(6)); }";

#[test]
fn a_32_bit_program_is_silent() {
    let project = Project::new();
    let dynamic = compile(&project, "cc", "bits", "int main() { return 6; }", &["-m32"]);
    let Some(program) =
        dynamic.or_else(|| compile(&project, "cc", "bits", THIRTY_TWO, &["-m32", "-nostdlib", "-static", "-ffreestanding", "-fno-pie"]))
    else {
        return;
    };
    if !Command::new(&program).status().is_ok_and(|status| status.code() == Some(6)) {
        println!("skipped: this machine does not run 32-bit programs");
        return;
    }
    let account = same(&project, &["sh", "-c", &format!("{}; exit $?", program.display())]);
    assert_eq!(account.text("ending"), "Exited(6)");
    assert_eq!(account.blind("32-bit").len(), 1);
}

#[test]
fn dropped_environments_and_closed_descriptors() {
    let project = Project::new();
    project.write("in.txt", "x");
    same(&project, &["env", "-i", "/bin/sh", "-c", "/bin/cat in.txt > a.txt"]).wrote("a.txt");
    same(&project, &["env", "-u", "LD_PRELOAD", "sh", "-c", "unset LD_PRELOAD; cp in.txt b.txt"]).wrote("b.txt");
    let closed = "for i in 3 4 5 6 7 8 9; do eval \"exec $i>&-\"; done; cat in.txt > c.txt";
    same(&project, &["bash", "-c", closed]).wrote("c.txt");
    if let Some(python) = python() {
        let script = "import os, subprocess; os.closerange(3, 1024); subprocess.run(['/bin/cp', 'in.txt', 'd.txt'], env={}, check=True)";
        same(&project, &[python.to_str().unwrap(), "-c", script]).wrote("d.txt");
    }
}

#[test]
fn a_folder_given_to_a_vfork_child_is_not_the_parents() {
    let Some(python) = python() else { return };
    let project = Project::new();
    std::fs::create_dir(project.file("sub")).unwrap();
    let script =
        "import subprocess; subprocess.run(['sh', '-c', 'echo x > child.txt'], cwd='sub', check=True); open('own.txt', 'w').write('y')";
    let account = same(&project, &[python.to_str().unwrap(), "-c", script]);
    account.wrote("sub/child.txt");
    account.wrote("own.txt");
    assert!(account.file("sub/own.txt").is_none());
}

#[test]
fn python_in_many_processes() {
    let Some(python) = python() else { return };
    let script = r"
import multiprocessing, os, sys
def work(name):
    open(name, 'w').write(name)
if __name__ == '__main__':
    for method in ('fork', 'spawn', 'forkserver'):
        context = multiprocessing.get_context(method)
        for i in range(2):
            child = context.Process(target=work, args=(f'{method}{i}.txt',))
            child.start(); child.join()
            assert child.exitcode == 0
    os.posix_spawn('/bin/sh', ['sh', '-c', 'echo x > spawned.txt'], os.environ); os.wait()
    os.system('echo x > system.txt'); os.popen('echo x > popen.txt').close()
    try: os.execv('/no/such/program', ['x'])
    except OSError: pass
    sys.exit(3)
";
    let project = Project::new();
    project.write("many.py", script);
    let account = same(&project, &[python.to_str().unwrap(), "many.py"]);
    for name in ["fork0", "fork1", "spawn0", "spawn1", "forkserver0", "forkserver1", "spawned", "system", "popen"] {
        account.wrote(&format!("{name}.txt"));
    }
    assert_eq!(account.text("ending"), "Exited(3)");
    assert!(account.blind("program").is_empty(), "a failed exec is no program that stayed silent: {:?}", account.blind("program"));
}

#[test]
fn every_way_to_write() {
    let Some(python) = python() else { return };
    let project = Project::new();
    project.write("in.txt", "content");
    let script = r"
import os, mmap, shutil, tempfile, ctypes
fd = os.open('raw.txt', os.O_RDWR | os.O_CREAT); os.ftruncate(fd, 4096); m = mmap.mmap(fd, 4096); m[:4] = b'mmap'; m.flush(); os.close(fd)
shutil.copyfile('in.txt', 'copied.txt')
with open('in.txt') as i, open('sent.txt', 'w') as o: os.sendfile(o.fileno(), i.fileno(), 0, 7)
with open('atomic.new', 'w') as f: f.write('a')
os.replace('atomic.new', 'atomic.txt')
os.link('atomic.txt', 'linked.txt'); os.symlink('atomic.txt', 'symbolic.txt')
d = os.open('.', os.O_RDONLY); os.close(os.open('at.txt', os.O_WRONLY | os.O_CREAT, dir_fd=d)); os.rename('at.txt', 'moved.txt', src_dir_fd=d, dst_dir_fd=d)
open('gone.txt', 'w').write('x'); os.unlink('gone.txt')
fd, name = tempfile.mkstemp(dir='.'); os.close(fd); os.rename(name, 'made.txt')
libc = ctypes.CDLL(None)
nr = {'x86_64': (257, 316), 'aarch64': (56, 276)}[os.uname().machine]
fd = libc.syscall(nr[0], -100, b'by_number.txt', os.O_WRONLY | os.O_CREAT, 0o644); os.write(fd, b'n'); os.close(fd)
libc.syscall(nr[1], -100, b'by_number.txt', -100, b'renamed.txt', 0)
libc.fopen.restype = ctypes.c_void_p; f = libc.fopen(b'stdio.txt', b'w+'); libc.fputs(b'stdio', ctypes.c_void_p(f)); libc.fclose(ctypes.c_void_p(f))
try: open('absent.txt')
except OSError: pass
os.listdir('.')
";
    let output = project.run(&[python.to_str().unwrap(), "-c", script]);
    assert!(code(&output) == 0 && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let account = project.account();
    for name in ["raw", "copied", "sent", "atomic", "linked", "moved", "made", "renamed", "stdio"] {
        let known = account.file(&format!("{name}.txt")).is_some();
        // a hard link is one file under several names
        assert!(known || name == "linked", "{name}");
    }
    for name in ["raw", "copied", "sent", "moved", "made", "renamed", "stdio"] {
        account.wrote(&format!("{name}.txt"));
    }
    account.read("in.txt");
    assert_eq!(account.list("absent").len(), 1);
    assert_eq!(account.list("listings").len(), 1);
    for name in ["atomic.new", "at.txt", "by_number.txt"] {
        assert!(account.file(name).is_none(), "{name} is folded away");
    }
}

#[test]
fn allocators_and_fakeroot() {
    let jemalloc = ["/usr/lib/x86_64-linux-gnu/libjemalloc.so.2", "/usr/lib/aarch64-linux-gnu/libjemalloc.so.2"];
    let project = Project::new();
    project.write("in.txt", "x");
    match jemalloc.iter().find(|file| Path::new(file).exists()) {
        Some(file) => {
            let mut before = project.command(&["--quiet"], &["cp", "in.txt", "a.txt"]);
            let output = before.env("LD_PRELOAD", file).output().unwrap();
            assert!(code(&output) == 0 && output.stderr.is_empty());
            project.account().wrote("a.txt");
            same(&project, &["env", &format!("LD_PRELOAD={file}"), "cp", "in.txt", "b.txt"]).wrote("b.txt");
        }
        None => println!("skipped: no jemalloc"),
    }
    if tool(&["fakeroot"]).is_some() {
        same(&project, &["fakeroot", "sh", "-c", "cp in.txt c.txt; id -u"]).wrote("c.txt");
    }
}

#[test]
fn other_roots_and_other_users() {
    let project = Project::new();
    // SAFETY: no arguments.
    if unsafe { libc::geteuid() } != 0 {
        println!("skipped: only root may change its root");
        return;
    }
    if let Some(busybox) =
        compile(&project, "cc", "jailed", "#include <stdio.h>\nint main() { puts(\"in jail\"); return 0; }", &["-static"])
    {
        std::fs::create_dir(project.file("jail")).unwrap();
        std::fs::copy(busybox, project.file("jail/inside")).unwrap();
        same(&project, &["chroot", "jail", "/inside"]);
    }
    if tool(&["setpriv"]).is_some() {
        let words = ["setpriv", "--reuid=65534", "--clear-groups", "sh", "-c", "/bin/echo as another; exit 3"];
        assert_eq!(same(&project, &words).text("ending"), "Exited(3)");
    }
    if tool(&["su"]).is_some() {
        same(&project, &["su", "-s", "/bin/sh", "nobody", "-c", "/bin/echo as another"]);
    }
}

#[test]
fn a_run_inside_a_run() {
    let project = Project::new();
    let inner = project.file("inner.json");
    let script = format!(
        "echo x > outer.txt; {} run --quiet --out {} -- sh -c 'echo y > inner.txt; env | grep -c libkeizu'; echo z > after.txt; exit 2",
        probe().display(),
        inner.display()
    );
    let output = project.sh(&script);
    assert_eq!((code(&output), String::from_utf8_lossy(&output.stdout).trim()), (2, "1"));
    let outer = project.account();
    outer.wrote("outer.txt");
    outer.wrote("after.txt");
    assert!(outer.file("inner.txt").is_none(), "it is the inner run's");
    assert!(outer.file(".account.json").is_none());
    let told: serde_json::Value = serde_json::from_slice(&std::fs::read(inner).unwrap()).unwrap();
    assert_eq!(told["parent"].as_str(), Some(outer.text("run").as_str()));
    assert_eq!(outer.list("children"), std::slice::from_ref(&told["run"]));
    assert!(outer.blind("program").is_empty(), "{:?}", outer.blind("program"));
    assert!(told["files"].as_array().unwrap().iter().any(|file| file["path"].as_str().is_some_and(|path| path.ends_with("inner.txt"))));
}

#[test]
fn what_outlives_the_command() {
    let project = Project::new();
    let output =
        project.sh("(while [ ! -e go ]; do sleep 0.02; done; echo late > late.txt) > /dev/null 2>&1 & echo early > early.txt; exit 4");
    assert_eq!(code(&output), 4);
    eventually("the run is sealed", || project.scan().contains("Sealed"));
    let early = project.sealed();
    early.wrote("early.txt");
    assert!(early.file("late.txt").is_none());
    project.write("go", "");
    let account = project.account();
    account.wrote("late.txt");
    assert_eq!(account.text("ending"), "Exited(4)");
}

#[test]
fn redirections_are_files_of_the_run() {
    let project = Project::new();
    project.write("in.txt", "x");
    let mut command = project.command(&["--quiet"], &["cat"]);
    command.stdin(std::fs::File::open(project.file("in.txt")).unwrap()).stdout(std::fs::File::create(project.file("out.txt")).unwrap());
    assert!(command.status().unwrap().success());
    let account = project.account();
    account.read("in.txt");
    account.wrote("out.txt");
}

#[test]
fn a_pipe_ends_with_the_job() {
    let project = Project::new();
    let script = format!("{} run --slow 2000 --wait 1 --out .account.json -- echo through | cat", probe().display());
    let output = project.plain(&["sh", "-c", &script]).output().unwrap();
    assert_eq!(output.stdout, b"through\n");
    assert!(!project.is_sealed(), "the watcher holds no end of the pipe");
    project.settle();
}

#[test]
fn the_job_goes_on_when_nothing_can_be_recorded() {
    let project = Project::new();
    project.write(".keizu", "not a folder");
    let mut command = project.command(&["--quiet"], &["sh", "-c", "echo out; exit 7"]);
    command.env("TMPDIR", "/no/such/folder").env_remove("XDG_RUNTIME_DIR");
    let output = command.output().unwrap();
    assert_eq!((code(&output), output.stdout.as_slice()), (7, &b"out\n"[..]));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.lines().count() == 1 && said.contains("not recorded"), "{said}");
}

#[test]
fn a_place_that_will_not_do_is_replaced_by_another() {
    let spaced = Project::new();
    let folder = spaced.file("with space:and colon");
    std::fs::create_dir(&folder).unwrap();
    let mut command = Command::new(probe());
    command.args(["run", "--quiet", "--out"]).arg(spaced.file(".account.json")).args(["--", "sh", "-c", "echo x > out.txt"]);
    let output = command.current_dir(&folder).env_remove("XDG_RUNTIME_DIR").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    eventually("it is put away", || std::fs::read_dir(folder.join(".keizu/run")).unwrap().next().is_none());
    spaced.sealed().wrote("with space:and colon/out.txt");
}

#[test]
fn nothing_but_one_variable_is_added() {
    let project = Project::new();
    let names = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let mut names: Vec<_> = text.split('\0').filter_map(|pair| pair.split_once('=')).map(|(key, _)| key.to_owned()).collect();
        names.sort();
        names
    };
    let plain = project.plain(&["cat", "/proc/self/environ"]).env_remove("LD_PRELOAD").output().unwrap();
    let watched = project.command(&["--quiet"], &["cat", "/proc/self/environ"]).env_remove("LD_PRELOAD").output().unwrap();
    let mut expected = names(&plain.stdout);
    expected.push("LD_PRELOAD".into());
    expected.sort();
    assert_eq!(names(&watched.stdout), expected);
    project.settle();
}
