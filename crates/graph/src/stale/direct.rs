//! One run against the present: would it read again what it read?

use foldhash::HashSet;
use keizu_record::FilePath;
use keizu_record::body::{Role, Status};

use super::world::{Reading, World, Write};
use super::{Cause, Now, Options, Present, What, names};

/// What speaks against a run, and what can't be told.
#[derive(Debug, Default)]
pub(super) struct Direct {
    pub causes: Vec<Cause>,
    pub doubts: Vec<Cause>,
}

/// Why a run would not come out as it did, without regard to what comes before it.
pub(super) fn direct(world: &World, run: u32, present: &impl Present, options: &Options) -> Direct {
    let mut found = Direct::default();
    let this = &world.runs[run as usize];
    let of_run = |what: What| Cause { thing: FilePath::default(), what };
    match this.status {
        Status::Finished => {}
        Status::Failed | Status::Killed => found.causes.push(of_run(What::Failed(this.exit_code, this.signal))),
        Status::Lost => found.doubts.push(of_run(What::RunLost)),
        Status::Running => found.doubts.push(of_run(What::RunGoesOn)),
    }
    let mut read = HashSet::default();
    let mut inputs: Vec<(u8, Cause)> = Vec::new();
    for reading in world.readings(run) {
        if let Some(what) = check(world, run, &reading, present, options) {
            let cause = Cause { thing: reading.path.clone(), what };
            if cause.what.is_doubt() {
                found.doubts.push(cause);
            } else {
                inputs.push((rank(reading.used.edge.role), cause));
            }
        }
        read.insert(reading.path);
    }
    let names = names::changes(world, run, &read, present);
    inputs.extend(names.into_iter().map(|cause| (u8::from(cause.what != What::New && cause.what != What::Gone) * 3, cause)));
    inputs.sort();
    inputs.dedup();
    found.causes.extend(inputs.into_iter().map(|(_, cause)| cause));
    found.causes.extend(options.also.get(&this.id).into_iter().flatten().cloned());
    found
}

/// Data is told first, then code, then settings.
fn rank(role: Role) -> u8 {
    match role {
        Role::Code => 1,
        Role::Config => 2,
        _ => 0,
    }
}

fn check(world: &World, run: u32, reading: &Reading<'_>, present: &impl Present, options: &Options) -> Option<What> {
    let own = world.own(reading.key, run);
    let expected = match own {
        // what the run took away is not missed
        Some(write) if write.removed => return None,
        // an input that it updated in place is compared with what it left
        Some(write) => write.content,
        None => reading.content,
    };
    let now = present.content(reading.path);
    let content = match &now {
        Now::File(digest) if Some(*digest) == expected => return None,
        Now::File(digest) => Some(*digest),
        Now::Missing => None,
        Now::Unreadable(why) => return Some(What::Unreadable(why.clone())),
    };
    if content.is_none() && reading.used.packaged && !options.environment {
        return None;
    }
    let since = own.map_or(reading.used.edge.at, |write| write.at);
    let newest = world.writes(reading.key).iter().rev().find(|write| write.run != run && write.at > since);
    let again = newest.filter(|write| content.is_some() && write.content == content);
    if again.is_some_and(|write| is_feedback(world, run, write)) {
        return None;
    }
    match (content, again) {
        (None, _) => Some(What::Missing),
        (Some(_), _) if expected.is_none() => Some(What::Unseen),
        (Some(_), Some(write)) => Some(What::Remade(world.runs[write.run as usize].id)),
        (Some(_), None) => Some(What::Changed),
    }
}

/// Whether a later write of an input is by a run that came out of this one: the beginning of a loop does not wait for its end.
pub(super) fn is_feedback(world: &World, run: u32, write: &Write) -> bool {
    write.run != run && world.follows(write.run, run)
}
