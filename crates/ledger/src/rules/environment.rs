//! The environment: one node for the interpreter, its packages, the machine and the variables that matter.
//!
//! The node's document says what the environment *is*. What a run loaded from it depends on the code as well, and stands on the edge: the manifest of
//! those files. So two steps of one project have the same environment though they import different modules.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt as _;

use keizu_capture::account::{Account, File};
use keizu_record::FilePath;
use keizu_record::manifest::{Manifest, Member};

use super::place::Places;
use super::redact::Redactor;
use crate::documents::Environment;
use crate::recognise::one_of;

/// In the record.
pub const NAME: &str = "environment";

/// Variables that change what programs compute: by name, or by how the name begins.
const NAMES: &str = "\
    LANG LANGUAGE TZ VIRTUAL_ENV LD_LIBRARY_PATH CUBLAS_WORKSPACE_CONFIG R_LIBS R_LIBS_USER JULIA_PROJECT NODE_PATH NODE_ENV \
    PERL5LIB JAVA_HOME SPARK_HOME";
const PREFIXES: &str = "\
    PYTHON CUDA OMP_ MKL_ OPENBLAS_ BLIS_ NUMEXPR_ GOTO_ LC_ CONDA_ NCCL_ TF_ TORCH PYTORCH HF_ TRANSFORMERS_ XLA_ JAX_ \
    ROCM_ HIP_ LOKY_ JOBLIB_ POLARS_ ARROW_ SKLEARN_ XGBOOST_ KERAS_ TOKENIZERS_ KMP_ GOMP_ OMPI_ SLURM_NTASKS \
    NVIDIA_VISIBLE PYSPARK_ SPARK_ RAY_ DASK_ NUMBA_ MALLOC_ OPENCV_";
/// Beginnings that match the above and say nothing but where or when.
const NOT: &str = "CONDA_PROMPT_MODIFIER CONDA_SHLVL CONDA_EXE CONDA_PYTHON_EXE PYTHONSTARTUP CONDA_PREFIX_";
/// Variables, and facts of the machine, that say where or how, not what.
const WHERE: &str = "\
    kernel container memory_mib VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV PYTHONPATH PYTHONHOME LD_LIBRARY_PATH NODE_PATH R_LIBS \
    R_LIBS_USER JAVA_HOME SPARK_HOME PYTHONUNBUFFERED PYTHONDONTWRITEBYTECODE PYTHONIOENCODING";
/// Facts of the machine that change by themselves.
const UNSTEADY: &str = "host uptime boot load free available time temperature user frequency mhz pid";

/// The document of a run's environment.
pub fn document(account: &Account, places: &Places<'_>, redactor: &Redactor<'_>) -> Environment {
    let environment = &account.environment;
    let join = |texts: BTreeSet<String>| (!texts.is_empty()).then(|| texts.into_iter().collect::<Vec<_>>().join(", "));
    let texts = |of: &dyn Fn(&keizu_capture::account::Python) -> String| {
        environment.pythons.iter().map(of).filter(|text| !text.is_empty()).collect()
    };
    let mut packages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, version) in environment.pythons.iter().flat_map(|python| &python.packages) {
        packages.entry(name.clone()).or_default().insert(version.clone());
    }
    let steady = |key: &str| {
        let key = key.to_ascii_lowercase();
        !key.split(|c: char| !c.is_alphanumeric()).any(|part| one_of(UNSTEADY, part.strip_suffix("name").unwrap_or(part)))
    };
    let variables = environment.variables.iter().filter(|(name, _)| matters(name));
    Environment {
        python: join(texts(&|python| python.version.clone())),
        interpreter: join(texts(&|python| places.neutral(&python.exe.to_string_lossy()))),
        packages: packages.into_iter().map(|(name, versions)| (name, versions.into_iter().collect::<Vec<_>>().join(", "))).collect(),
        machine: environment.machine.iter().filter(|(key, _)| steady(key)).map(|(key, value)| (key.clone(), value.clone())).collect(),
        variables: variables.map(|(name, value)| (name.clone(), places.neutral(&redactor.value(name, value)))).collect(),
    }
}

/// Whether a variable, or a fact of the machine, says where something is or how it talks, not what it computes.
pub fn says_where(name: &str) -> bool {
    one_of(WHERE, name)
}

/// Whether a variable may change what programs compute.
pub fn matters(name: &str) -> bool {
    if NOT.split_ascii_whitespace().any(|prefix| name.starts_with(prefix)) {
        return false;
    }
    let seed = name.split('_').any(|word| word.eq_ignore_ascii_case("seed")) || name.to_ascii_uppercase().ends_with("SEED");
    seed || one_of(NAMES, name) || PREFIXES.split_ascii_whitespace().any(|prefix| name.starts_with(prefix))
}

/// The files that were loaded, by their absolute paths without the leading slash.
pub fn manifest(files: &[&File]) -> Manifest {
    let members = files.iter().filter_map(|file| {
        let content = file.read.as_ref()?.content?;
        let path = file.path.as_os_str().as_bytes();
        Some((FilePath::new(path.strip_prefix(b"/").unwrap_or(path)), Member { size: content.size, digest: content.digest }))
    });
    Manifest(members.collect())
}

/// Packages from which files were loaded.
pub fn loaded(account: &Account) -> Vec<String> {
    let used: BTreeSet<&String> = account.environment.pythons.iter().flat_map(|python| &python.used).collect();
    used.into_iter().cloned().collect()
}

/// Files that two runs both loaded, and that are not the same: what differs between two environments though their documents are equal.
pub fn differing<'a>(a: &'a Manifest, b: &Manifest) -> Vec<&'a FilePath> {
    a.0.iter().filter(|(path, member)| b.0.get(path).is_some_and(|other| other.digest != member.digest)).map(|(path, _)| path).collect()
}
