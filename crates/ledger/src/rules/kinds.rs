//! What a file is, by its name.

use keizu_record::FilePath;
use keizu_record::body::ArtifactKind;

use crate::config::Config;
use crate::recognise::Words;

/// A file of settings is small.
pub const CONFIG_BYTES_MAX: u64 = 64 << 10;

static CODE: Words = Words::new(
    "\
    py pyi pyx pxd ipynb sh bash zsh fish r rmd qmd jl js mjs cjs ts mts tsx jsx pl pm rb lua sql scala sc java kt groovy c \
    h cc cpp cxx hpp hxx hh cu cuh rs go f f90 f95 for swift php m mk cmake proto stan nf smk awk sed ps1 tcl ex exs hs ml \
    clj dockerfile vue do sas jinja j2",
);
static CODE_NAMES: Words = Words::new(
    "\
    makefile gnumakefile dockerfile containerfile snakefile rakefile justfile cmakelists.txt jenkinsfile procfile",
);
static CONFIG: Words = Words::new("yaml yml json json5 toml ini cfg conf env properties hocon");
static DATA: Words = Words::new(
    "\
    csv tsv psv parquet feather arrow arrows ipc orc avro jsonl ndjson json npy npz h5 hdf5 hdf nc mat zarr sqlite sqlite3 \
    db duckdb xlsx xls ods pkl pickle joblib txt dat data gz zip zst bz2 xz lz4 tar tgz 7z tfrecord tfrecords lmdb mdb wav \
    mp3 flac ogg mp4 avi mkv geojson shp shx dbf gpkg tiff tif fasta fastq fa fq bam vcf dta sav rds rdata xml libsvm svm \
    arff bin raw las laz pcap dcm nii msgpack",
);
static PICTURES: Words = Words::new("png jpg jpeg gif bmp webp");
static DOCUMENTS: Words = Words::new("md rst html htm pdf svg log tex docx pptx odt eps out err");
/// Extensions that are a model's whatever is inside, for when the content can't be opened.
static MODELS: Words = Words::new("safetensors onnx gguf keras pt pth ckpt tflite cbm ubj mlmodel pmml");
/// Data that packages bring along: extensions that no code or metadata of a package has.
static PACKAGED: Words = Words::new(
    "\
    csv tsv parquet feather arrow orc avro jsonl ndjson npy npz h5 hdf5 xlsx xls sqlite sqlite3 duckdb safetensors onnx gguf \
    pt pth keras ckpt tflite geojson shp arff rds rdata dta nc",
);

/// What a file is by its name alone. `made` tells a picture that was drawn from one that was looked at, and a text that was written from one that was read.
pub fn by_name(path: &FilePath, size: u64, made: bool) -> ArtifactKind {
    let name = String::from_utf8_lossy(path.file_name()).to_ascii_lowercase();
    let extension = path.extension();
    let is = |words: &Words| words.has(&extension);
    if is(&CODE) || CODE_NAMES.has(&name) || name.starts_with("dockerfile.") || name.starts_with("makefile.") {
        return ArtifactKind::Code;
    }
    if is(&MODELS) {
        return ArtifactKind::Model;
    }
    if name.starts_with("requirements") && extension == "txt" || name == ".env" || name.starts_with(".env.") {
        return ArtifactKind::Config;
    }
    if ["readme", "license", "licence", "changelog", "copying", "notice"].iter().any(|start| name.starts_with(start)) {
        return ArtifactKind::Document;
    }
    // what a run writes as JSON is its result; what it reads as small JSON is its settings
    if is(&CONFIG) && size <= CONFIG_BYTES_MAX && !(made && extension == "json") {
        return ArtifactKind::Config;
    }
    if is(&PICTURES) {
        return if made { ArtifactKind::Document } else { ArtifactKind::Data };
    }
    match () {
        () if is(&DATA) || is(&CONFIG) => ArtifactKind::Data,
        () if is(&DOCUMENTS) => ArtifactKind::Document,
        () => ArtifactKind::Other,
    }
}

/// What a file is: as declared, else by its name.
pub fn kind_of(path: &FilePath, size: u64, config: &Config) -> ArtifactKind {
    if let Some(part) = config.part(path) {
        return part.kind;
    }
    if config.model(path).is_some() {
        return ArtifactKind::Model;
    }
    by_name(path, size, false)
}

/// The rule for data inside an installed package: it is an input, not environment.
pub mod packaged {
    use super::{FilePath, PACKAGED};

    /// In the record.
    pub const NAME: &str = "data in a package";
    /// An archive of code or of time zones is no data; a table in an archive says so in its name, or is big.
    const ARCHIVE_BYTES_MIN: u64 = 64 << 10;

    /// Whether a file below an installed package is data.
    pub fn holds(path: &FilePath, size: u64) -> bool {
        let extension = path.extension();
        let inner = FilePath::from(path.stem().as_str()).extension();
        if PACKAGED.has(&extension) {
            // Python's own *.pth are settings of the interpreter
            return !(extension == "pth" && size < 4_096);
        }
        let archive = matches!(extension.as_str(), "zip" | "gz" | "bz2" | "xz" | "zst");
        let table = PACKAGED.has(&inner) || matches!(inner.as_str(), "json" | "txt" | "pkl" | "dat");
        let named = ["/data/", "/datasets/"].iter().any(|folder| path.to_string().contains(folder));
        archive && (table || (named && size >= ARCHIVE_BYTES_MIN && !matches!(inner.as_str(), "tar" | "py")))
    }
}

/// What is kept by content, so that it can be given back.
pub mod keep {
    use std::cell::Cell;

    use keizu_record::body::Role;

    use super::{ArtifactKind, Config, FilePath, by_name};
    use crate::rules::place;

    /// A script or a document bigger than this is kept only when asked for.
    const TEXT_BYTES_MAX: u64 = 8 << 20;

    /// So many small files of a run are kept for being small: a crowd of them is large data, which is known by its digests.
    const FEW: usize = 1_000;

    /// A model smaller than this may be one of a crowd.
    const CROWD_BYTES_MAX: u64 = 64 << 10;

    /// Whether the bytes of a file are kept.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Keeping {
        /// Not asked for, too large, or a secret.
        Never,
        /// While there is [`Room`].
        WhileRoom,
        /// Whatever else there is.
        Always,
    }

    /// What one run may still keep of files that are kept for being small.
    #[derive(Debug, Default)]
    pub struct Room {
        files: Cell<usize>,
        bytes: Cell<u64>,
    }

    impl Room {
        /// Whether the bytes of a file are kept; takes the room that it needs.
        pub fn keeps(&self, path: &FilePath, size: u64, config: &Config) -> bool {
            match keeping(path, size, config) {
                Keeping::Never => false,
                Keeping::Always => true,
                Keeping::WhileRoom => {
                    let fits = self.files.get() < FEW && self.bytes.get() + size <= config.keep().small_total;
                    if fits {
                        self.files.set(self.files.get() + 1);
                        self.bytes.set(self.bytes.get() + size);
                    }
                    fits
                }
            }
        }
    }

    /// Whether the bytes of a file are kept. Secrets never are.
    pub fn keeping(path: &FilePath, size: u64, config: &Config) -> Keeping {
        let keep = config.keep();
        if holds_secrets(path) || config.hides(path) || keep.never.iter().any(|pattern| pattern.matches(path)) || config.ignores(path) {
            return Keeping::Never;
        }
        if keep.globs.iter().any(|pattern| pattern.matches(path)) {
            return Keeping::Always;
        }
        // what was installed is in the packages from which it came
        if place::is_installed(path) {
            return Keeping::Never;
        }
        let declared = config.model(path).is_some();
        let part = config.part(path);
        let role = part.and_then(|part| part.role);
        let kind = part.map_or_else(|| by_name(path, size, true), |part| part.kind);
        let model =
            declared || kind == ArtifactKind::Model || matches!(path.extension().as_str(), "joblib" | "pkl" | "pickle" | "h5" | "bin");
        match kind {
            ArtifactKind::Code | ArtifactKind::Config | ArtifactKind::Document if size <= TEXT_BYTES_MAX => Keeping::Always,
            // what lies outside the project is kept by others
            _ if path.is_absolute() => Keeping::Never,
            // without it nobody could say how the measure changed
            _ if role == Some(Role::EvaluationData) && size <= keep.model_bytes => Keeping::Always,
            _ if model && size > CROWD_BYTES_MAX && size <= keep.model_bytes => Keeping::Always,
            _ if size <= keep.small_bytes => Keeping::WhileRoom,
            _ => Keeping::Never,
        }
    }

    /// `.env`, private keys, credentials: by name.
    pub fn holds_secrets(path: &FilePath) -> bool {
        let name = String::from_utf8_lossy(path.file_name()).to_ascii_lowercase();
        let sample = ["example", "sample", "template", "dist"].iter().any(|word| name.ends_with(word));
        let env = name == ".env" || name.starts_with(".env.") || name.ends_with(".env");
        let key = [
            "id_rsa",
            "id_dsa",
            "id_ecdsa",
            "id_ed25519",
            ".netrc",
            "_netrc",
            ".pgpass",
            ".git-credentials",
            ".pypirc",
            ".npmrc",
            ".htpasswd",
        ];
        let endings = [".pem", ".key", ".p12", ".pfx", ".keystore", ".jks", ".kdbx", ".ppk"];
        let words = ["secret", "credential", "password", "passwd"];
        let settings = matches!(path.extension().as_str(), "json" | "yaml" | "yml" | "toml" | "ini" | "cfg" | "txt" | "conf" | "");
        (env && !sample)
            || key.contains(&name.as_str())
            || endings.iter().any(|ending| name.ends_with(ending))
            || (settings && words.iter().any(|word| name.contains(word)))
    }
}
