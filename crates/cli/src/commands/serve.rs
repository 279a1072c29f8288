//! `keizu serve`: the page, and the API behind it.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use clap::ValueEnum;
use keizu_ledger::{Home, Ledger, Surroundings};
use keizu_server::{Line, Server, Settings, Stop};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::args::text as typed;
use crate::door::Door;
use crate::out;
use crate::problem::{Exit, Problem};

/// Serve the family trees as a web page, and the same answers as an API
///
/// On this machine nobody has to sign in. To be reached from others, listen on an address of theirs: then who comes from there shows a token
/// (`keizu token new --read`). Ctrl-C ends it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu serve
  keizu serve --open
  keizu serve --open model:delay
  keizu serve --listen 127.0.0.1:0
  keizu serve --listen 0.0.0.0:4760 --host models.lab
  keizu serve --log json 2>> serve.log")]
pub struct Args {
    /// Where to listen; port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4760")]
    listen: SocketAddr,
    /// Show the page in the browser; of this thing, when one is given.
    #[arg(long, value_name = "THING", num_args = 0..=1)]
    open: Option<Option<OsString>>,
    /// A name under which others reach it, as it stands in their address bar. May be given several times.
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// How each request is written down, on stderr.
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    log: Form,
}

/// How a request is written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object a line.
    Json,
    /// Not at all.
    Off,
}

/// Descriptors that are not for connections.
const DESCRIPTORS_KEPT: u64 = 128;
/// Connections at once.
const CONNECTIONS_MAX: u64 = 2_048;

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    let home = door.home()?;
    let page = match &args.open {
        Some(Some(thing)) => page(door, &home, thing)?,
        _ => String::new(),
    };
    let secret = super::token::random()?;
    let form = args.log;
    let settings = Settings {
        names: args.hosts.clone(),
        connections_max: connections_max(),
        log: Box::new(move |line| say(form, line)),
        here: Surroundings { variables: std::env::vars_os().collect() },
        ..Settings::new(home, args.listen, secret)
    };
    let server = Server::bind(settings)?;
    let url = url(server.address()) + &page;
    stop_on_signal(server.stop())?;
    out::text(&format!("{url}\n"))?;
    if args.open.is_some() && !open(&url) {
        out::say(&format!("keizu  no browser could be started; open {url}"));
    }
    server.run()?;
    Ok(Exit::Fine)
}

/// Where the page of a thing is. What is not there is said before anything is served.
fn page(door: &Door, home: &Home, thing: &OsString) -> Result<String, Problem> {
    let ledger = Ledger::open(home)?;
    let found = door.resolve(&ledger.view(), thing)?;
    Ok(keizu_server::page(&found, &typed(thing)))
}

/// Where a browser on this machine finds it.
fn url(address: SocketAddr) -> String {
    let (ip, port) = (address.ip(), address.port());
    match ip {
        ip if ip.is_unspecified() => format!("http://127.0.0.1:{port}/"),
        ip if ip.is_ipv6() => format!("http://[{ip}]:{port}/"),
        ip => format!("http://{ip}:{port}/"),
    }
}

/// As many as there are descriptors for, after as many were asked for as one may have.
fn connections_max() -> usize {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 256 };
    let wanted = (CONNECTIONS_MAX + DESCRIPTORS_KEPT).min(hard);
    let soft = if soft < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok() { wanted } else { soft };
    let places = soft.saturating_sub(DESCRIPTORS_KEPT).clamp(16, CONNECTIONS_MAX);
    usize::try_from(places).unwrap_or(256)
}

/// The first signal lets what was begun come to its end, the second does not.
fn stop_on_signal(stop: Stop) -> Result<(), Problem> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new().name("keizu-signals".to_owned()).spawn(move || {
        let mut signals = signals.forever();
        if signals.next().is_some() {
            stop.now();
        }
        if let Some(signal) = signals.next() {
            std::process::exit(128 + signal);
        }
    })?;
    Ok(())
}

fn open(url: &str) -> bool {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    Command::new(program).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().is_ok()
}

fn say(form: Form, line: &Line) {
    match form {
        Form::Off => {}
        Form::Text => out::say(&text(line)),
        Form::Json => out::say(
            &json!({
                "at": jiff::Timestamp::now().to_string(),
                "method": line.method,
                "path": line.path,
                "status": line.status,
                "bytes": line.bytes,
                "micros": u64::try_from(line.took.as_micros()).unwrap_or(u64::MAX),
                "peer": line.peer.to_string(),
                "token": line.guest,
                "detail": line.detail,
            })
            .to_string(),
        ),
    }
}

fn text(line: &Line) -> String {
    let now = jiff::ZonedDateTime::now().strftime("%F %T");
    let bytes = line.bytes.map_or_else(|| "streamed".to_owned(), |bytes| format!("{bytes} B"));
    let guest = line.guest.as_ref().map(|guest| format!("  token {guest}")).unwrap_or_default();
    let detail = line.detail.as_ref().map(|detail| format!("  {detail}")).unwrap_or_default();
    let millis = line.took.as_secs_f64() * 1e3;
    format!("{now}  {}  {} {}  {}  {bytes}  {millis:.1} ms{guest}{detail}", line.peer, line.method, line.path, line.status)
}

impl From<keizu_server::Error> for Problem {
    fn from(error: keizu_server::Error) -> Self {
        use keizu_server::Error as E;
        match error {
            E::Ledger(error) => error.into(),
            E::NoToken(_) => Self::wrong(error.to_string()).note("make one first: keizu token new --read"),
            E::Listen { .. } => Self::failed(error.to_string()).note("--listen 127.0.0.1:0 takes any port that is free"),
            E::Start(_) => Self::failed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_one_that_a_browser_takes() {
        for (address, wanted) in
            [("127.0.0.1:4760", "http://127.0.0.1:4760/"), ("0.0.0.0:80", "http://127.0.0.1:80/"), ("[::1]:5", "http://[::1]:5/")]
        {
            assert_eq!(url(address.parse().unwrap()), wanted);
        }
    }
}
