//! `keizu version`.

use serde_json::json;

use crate::out;
use crate::problem::{Exit, Problem};

/// Print the version, and the formats that it reads and writes
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu version
  keizu version --json")]
pub struct Args {
    /// Print JSON, for scripts.
    #[arg(long)]
    json: bool,
}

/// The version in the domain words of the record's bytes: `keizu record v1`.
const RECORD_FORMAT: u32 = 1;

pub fn go(args: &Args) -> Result<Exit, Problem> {
    let version = env!("CARGO_PKG_VERSION");
    let (record, store) = (RECORD_FORMAT, keizu_store::sqlite::FORMAT);
    let target = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    let observes = cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")));
    if args.json {
        out::json(&json!({"version": version, "record_format": record, "store_format": store, "target": target, "observes": observes}))?;
    } else {
        let observing = if observes { "observes runs" } else { "does not observe runs on this system" };
        out::text(&format!("keizu {version}\nrecord format {record}, store format {store}\n{target}, {observing}\n"))?;
    }
    Ok(Exit::Fine)
}
