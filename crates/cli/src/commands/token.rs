//! `keizu token`: who may read the record from other machines.

use clap::Subcommand;
use keizu_ledger::Ledger;
use keizu_ledger::access::{Grant, Scope};

use crate::door::{Door, host};
use crate::out;
use crate::problem::{Exit, Problem};
use crate::render::text::Page;

/// Make, list and revoke tokens, which let others in through `keizu serve`
///
/// A token is shown once. The record says who made it, when and for what, never the token itself; what it must hash to lies in .keizu/, for its owner
/// alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu token new --read --name \"the review board\"
  keizu token list
  keizu token revoke 3f2a9c01")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum What {
    /// Make a token, and show it once
    New(New),
    /// All tokens that were ever made
    List(List),
    /// Take a token back: it opens nothing from now on
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
struct New {
    /// It may read everything.
    #[arg(long, required_unless_present = "write", conflicts_with = "write")]
    read: bool,
    /// It may add to the record as well.
    #[arg(long)]
    write: bool,
    /// For whom or for what it is.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
}

#[derive(Debug, clap::Args)]
struct List {
    /// Print JSON, for scripts.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Revoke {
    /// The token's id, as `keizu token list` shows it.
    id: String,
}

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    let mut ledger = Ledger::open(&door.home()?)?;
    match &args.what {
        What::New(new) => {
            let scope = if new.write { Scope::Write } else { Scope::Read };
            let (grant, token) = ledger.grant(&random()?, scope, new.name.as_deref(), &who())?;
            out::text(&format!("{token}\n"))?;
            out::say(&format!("keizu  this is shown once. It may {}; to take it back: keizu token revoke {}", scope.word(), grant.id));
        }
        What::List(list) => {
            let grants: Vec<Grant> = ledger.view().grants()?.into_iter().map(|(grant, _)| grant).collect();
            if list.json {
                out::json(&grants)?;
            } else if grants.is_empty() {
                out::say("nobody was let in yet: keizu token new --read");
            } else {
                let look = door.look();
                out::page(&page(&grants), &look)?;
            }
        }
        What::Revoke(revoke) => {
            let grant = ledger.revoke(&revoke.id)?;
            out::say(&format!("keizu  the token {} opens nothing any more", grant.id));
        }
    }
    Ok(Exit::Fine)
}

fn page(grants: &[Grant]) -> Page {
    let mut page = Page::default();
    for grant in grants {
        let state = grant.revoked_at.as_ref().map_or_else(|| "holds".to_owned(), |at| format!("revoked {at}"));
        let name = grant.name.as_ref().map(|name| format!("  {name}")).unwrap_or_default();
        page.line(format!("{}  {:<5}  made {} by {}  {state}{name}", grant.id, grant.scope.word(), grant.at, grant.by));
    }
    page
}

/// 32 bytes that nobody can guess.
pub fn random() -> Result<[u8; 32], Problem> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Problem::failed(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}

/// Who sits here.
fn who() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::effective()).ok().flatten();
    format!("{}@{}", user.map_or_else(|| "somebody".to_owned(), |user| user.name), host())
}
