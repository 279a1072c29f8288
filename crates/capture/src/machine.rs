//! The machine, as its own files describe it; no program is run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What can be told of this machine: `os`, `kernel`, `arch`, `cpu`, `cpus`, `memory_mib`, `gpu`, `gpus`, `gpu_driver`, `container`,
/// `container_image`; what is not known is left out. The host's name is not among it: two machines of a kind are one environment.
pub fn look() -> BTreeMap<String, String> {
    let mut out = look_at(Path::new("/"));
    if let Ok(names) = nix::sys::utsname::uname() {
        out.insert("kernel".into(), format!("{} {}", names.sysname().to_string_lossy(), names.release().to_string_lossy()));
        out.insert("arch".into(), names.machine().to_string_lossy().into_owned());
    }
    if let Ok(usable) = std::thread::available_parallelism().map(|n| n.get().to_string())
        && out.get("cpus") != Some(&usable)
    {
        out.insert("cpus_usable".into(), usable);
    }
    out
}

/// The host's name.
pub fn hostname() -> Option<String> {
    Some(nix::unistd::gethostname().ok()?.to_string_lossy().into_owned())
}

/// The same below another root.
fn look_at(root: &Path) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            out.insert(name.to_owned(), value);
        }
    };
    put("os", os(root));
    let cpus = read(root, "proc/cpuinfo").unwrap_or_default();
    put("cpu", field(&cpus, "model name").or_else(|| arm(&cpus)).or_else(|| read(root, "sys/firmware/devicetree/base/model")));
    let count = cpus.lines().filter(|line| line.split(':').next().is_some_and(|name| name.trim() == "processor")).count();
    put("cpus", (count > 0).then(|| count.to_string()));
    put("memory_mib", read(root, "proc/meminfo").as_deref().and_then(memory));
    let (names, driver) = gpus(root);
    put("gpus", (!names.is_empty()).then(|| names.len().to_string()));
    put("gpu", Some(distinct(names)));
    put("gpu_driver", driver);
    let (container, image) = container(root);
    put("container", container);
    put("container_image", image);
    out
}

fn read(root: &Path, path: &str) -> Option<String> {
    let bytes = fs::read(root.join(path)).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned())
}

/// The first `name : value`.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name).map(|(_, value)| words(value))
}

/// White space made single.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn arm(cpus: &str) -> Option<String> {
    Some(format!("implementer {} part {}", field(cpus, "CPU implementer")?, field(cpus, "CPU part")?))
}

fn os(root: &Path) -> Option<String> {
    let text = read(root, "etc/os-release").or_else(|| read(root, "usr/lib/os-release"))?;
    let value = |name: &str| assigned(&text, name);
    value("PRETTY_NAME").or_else(|| Some(format!("{} {}", value("NAME")?, value("VERSION_ID").unwrap_or_default()).trim().to_owned()))
}

/// The value of a line `NAME="value"`.
fn assigned(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
    Some(line.trim().trim_matches(['"', '\'']).to_owned())
}

fn memory(text: &str) -> Option<String> {
    let kib: u64 = field(text, "MemTotal")?.split(' ').next()?.parse().ok()?;
    Some((kib / 1024).to_string())
}

/// Names of the GPUs, and their driver.
fn gpus(root: &Path) -> (Vec<String>, Option<String>) {
    let mut names: Vec<String> = entries(root, "proc/driver/nvidia/gpus")
        .iter()
        .filter_map(|gpu| field(&read(root, &format!("proc/driver/nvidia/gpus/{gpu}/information"))?, "Model"))
        .collect();
    let nvidia = read(root, "proc/driver/nvidia/version").and_then(|text| {
        let line = field(&text, "NVRM version")?;
        let version = line.split(' ').find(|word| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit()))?;
        Some(format!("nvidia {version}"))
    });
    let cards = entries(root, "sys/class/drm");
    let amd: Vec<String> = cards
        .iter()
        .filter(|card| card.strip_prefix("card").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit())))
        .filter(|card| read(root, &format!("sys/class/drm/{card}/device/vendor")).as_deref() == Some("0x1002"))
        .map(|card| {
            let name = read(root, &format!("sys/class/drm/{card}/device/product_name")).filter(|name| !name.is_empty());
            name.unwrap_or_else(|| format!("AMD {}", read(root, &format!("sys/class/drm/{card}/device/device")).unwrap_or_default()))
        })
        .collect();
    let driver = nvidia.or_else(|| {
        let version = read(root, "sys/module/amdgpu/version");
        (!amd.is_empty()).then(|| format!("amdgpu {}", version.unwrap_or_default()).trim().to_owned())
    });
    names.extend(amd);
    names.sort();
    (names, driver)
}

fn entries(root: &Path, path: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root.join(path)) else { return Vec::new() };
    let mut out: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    out.sort();
    out
}

fn distinct(mut names: Vec<String>) -> String {
    names.dedup();
    names.join(", ")
}

/// What kind of container this is, if it is one, and its image where that can be seen from inside.
fn container(root: &Path) -> (Option<String>, Option<String>) {
    if let Some(text) = read(root, "run/.containerenv") {
        let image = assigned(&text, "image").or_else(|| assigned(&text, "imageid"));
        return (Some("podman".into()), image.filter(|image| !image.is_empty()));
    }
    if root.join(".singularity.d").is_dir() {
        return (Some("apptainer".into()), None);
    }
    let groups = read(root, "proc/1/cgroup").unwrap_or_default() + &read(root, "proc/self/cgroup").unwrap_or_default();
    let known = [("kubepods", "kubernetes"), ("docker", "docker"), ("libpod", "podman"), ("lxc", "lxc"), ("containerd", "containerd")];
    let by_group = known.iter().find(|(word, _)| groups.contains(word)).map(|(_, name)| (*name).to_owned());
    (by_group.or_else(|| root.join(".dockerenv").exists().then(|| "docker".to_owned())), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        let temp = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = temp.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        look_at(temp.path())
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_server_with_gpus() {
        let out = tree(&[
            ("etc/os-release", "NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"),
            ("proc/cpuinfo", "processor\t: 0\nmodel name\t: AMD  EPYC 7763\n\nprocessor\t: 1\nmodel name\t: AMD  EPYC 7763\n"),
            ("proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 1 kB\n"),
            ("proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19\nGCC version: 12\n"),
            ("proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA A100\nIRQ: 1\n"),
            ("proc/driver/nvidia/gpus/0000:02:00.0/information", "Model: \t\t NVIDIA A100\n"),
        ]);
        let wanted = [
            ("os", "Debian GNU/Linux 12 (bookworm)"),
            ("cpu", "AMD EPYC 7763"),
            ("cpus", "2"),
            ("memory_mib", "16000"),
            ("gpu", "NVIDIA A100"),
            ("gpus", "2"),
            ("gpu_driver", "nvidia 535.104.05"),
        ];
        assert_eq!(out, map(&wanted));
    }

    #[test]
    fn other_makes() {
        let out = tree(&[
            ("usr/lib/os-release", "NAME=Alpine\nVERSION_ID='3.20'\n"),
            ("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"),
            ("sys/class/drm/card0/device/vendor", "0x1002\n"),
            ("sys/class/drm/card0/device/device", "0x740c\n"),
            ("sys/class/drm/card0-DP-1/device/vendor", "0x1002\n"),
        ]);
        let wanted = [
            ("os", "Alpine 3.20"),
            ("cpu", "implementer 0x41 part 0xd0c"),
            ("cpus", "1"),
            ("gpu", "AMD 0x740c"),
            ("gpus", "1"),
            ("gpu_driver", "amdgpu"),
        ];
        assert_eq!(out, map(&wanted));
    }

    #[test]
    fn containers() {
        assert_eq!(tree(&[(".dockerenv", "")]), map(&[("container", "docker")]));
        assert_eq!(tree(&[("proc/1/cgroup", "0::/kubepods/besteffort/pod1\n")]), map(&[("container", "kubernetes")]));
        let podman = tree(&[("run/.containerenv", "engine=\"podman-4\"\nimage=\"docker.io/library/python:3.11\"\n")]);
        assert_eq!(podman, map(&[("container", "podman"), ("container_image", "docker.io/library/python:3.11")]));
        assert_eq!(tree(&[("proc/1/cgroup", "0::/\n")]), BTreeMap::new());
    }

    #[test]
    fn this_machine_has_a_kernel_and_processors() {
        let out = look();
        assert!(out["kernel"].starts_with("Linux "));
        assert!(out["cpus"].parse::<u32>().unwrap() > 0);
    }
}
