//! Who may read the record from elsewhere: tokens.
//!
//! What was granted to whom is a record in the log, without the secret: of kind `agreed`, its subject the party `token:ID`, with the facts
//! `about` (`access`), `scope`, `name` and `by`; taking it back is a record of kind `retracted` that cites it. What a token must hash to lies in `.keizu/tokens`,
//! which only its owner may read. A token has 256 random bits, so that a plain hash of it can't be guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keizu_record::{Authority, Group, Kind, NodeId, Record, RecordId, Side};
use keizu_store::Select;
use serde::Serialize;

use crate::answer::rfc3339;
use crate::ledger::now;
use crate::{Error, Home, Ledger, View};

/// What a token begins with, so that people and scanners know one when they see one.
const PREFIX: &str = "keizu_";
/// Hex digits of an id.
const ID_DIGITS: usize = 8;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Everything that can be read.
    Read,
    /// To add to the record as well.
    Write,
}

impl Scope {
    /// The word in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Read, Self::Write].into_iter().find(|scope| scope.word() == word)
    }
}

/// One grant, as the record tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// By which it is revoked.
    pub id: String,
    /// What it allows.
    pub scope: Scope,
    /// What it is for, in the words of who made it.
    pub name: Option<String>,
    /// Who made it: `user@host`.
    pub by: String,
    /// When: RFC 3339.
    pub at: String,
    /// When it was taken back; null while it holds.
    pub revoked_at: Option<String>,
}

/// Who knocks, when the token is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// Of the grant.
    pub id: String,
    /// What it allows.
    pub scope: Scope,
}

/// The tokens that hold: hashes by id.
#[derive(Debug, Clone, Default)]
pub struct Tokens(BTreeMap<String, (Scope, blake3::Hash)>);

impl Tokens {
    /// Where they lie.
    pub fn file(home: &Home) -> PathBuf {
        home.folder().join("tokens")
    }

    /// Reads them; none when there is no such file.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn load(home: &Home) -> Result<Self, Error> {
        match fs_err::read_to_string(Self::file(home)) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let mut words = line.split_whitespace();
            let (id, scope, hash) = (words.next()?, Scope::from_word(words.next()?)?, blake3::Hash::from_hex(words.next()?).ok()?);
            Some((id.to_owned(), (scope, hash)))
        };
        Self(text.lines().filter_map(line).collect())
    }

    /// Whether none holds.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose token this is. Every hash is compared, and each in constant time.
    pub fn check(&self, token: &str) -> Option<Guest> {
        let shown = blake3::hash(token.trim().as_bytes());
        let mut guest = None;
        for (id, (scope, hash)) in &self.0 {
            // equality of BLAKE3 hashes takes the same time whatever they are
            if *hash == shown {
                guest = Some(Guest { id: id.clone(), scope: *scope });
            }
        }
        guest
    }

    /// Whether a grant holds, by its id.
    pub fn guest(&self, id: &str) -> Option<Guest> {
        self.0.get(id).map(|(scope, _)| Guest { id: id.to_owned(), scope: *scope })
    }

    fn change(home: &Home, change: impl FnOnce(&mut BTreeMap<String, (Scope, blake3::Hash)>)) -> Result<(), keizu_store::Error> {
        let mut tokens = Self::load(home).map_err(keizu_store::Error::draft)?;
        change(&mut tokens.0);
        tokens.save(home).map_err(keizu_store::Error::draft)
    }

    /// Writes them all anew, readable by the owner alone; at the place stand the old ones or the new.
    fn save(&self, home: &Home) -> Result<(), Error> {
        let (file, new) = (Self::file(home), home.folder().join("tokens.new"));
        let _ = std::fs::remove_file(&new);
        let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        out.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        for (id, (scope, hash)) in &self.0 {
            writeln!(out, "{id} {} {hash}", scope.word())?;
        }
        out.sync_all()?;
        Ok(fs_err::rename(new, file)?)
    }
}

impl Ledger {
    /// Makes a token from 32 random bytes, and records that it was granted. The token is nowhere but in the answer.
    ///
    /// # Errors
    /// When the record can't be written.
    pub fn grant(&mut self, secret: &[u8; 32], scope: Scope, name: Option<&str>, by: &str) -> Result<(Grant, String), Error> {
        let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
        let hash = blake3::hash(token.as_bytes());
        let id = blake3::derive_key("keizu 2026 id of a token", token.as_bytes())[..ID_DIGITS / 2].to_vec();
        let id = keizu_record::hex(&id);
        let at = now();
        let mut record = Record::new(Kind::Agreed, party(&id), at, at).by(Authority::Declared, None);
        record.set(Group::Fact, "about", "access");
        record.set(Group::Fact, "scope", scope.word());
        record.set(Group::Fact, "by", by);
        if let Some(name) = name {
            record.set(Group::Fact, "name", name);
        }
        let home = self.home().clone();
        // while the log is locked nobody else changes the file
        self.append(|_| {
            Tokens::change(&home, |tokens| {
                tokens.insert(id.clone(), (scope, hash));
            })?;
            Ok(vec![record.clone()])
        })?;
        Ok((Grant { id, scope, name: name.map(str::to_owned), by: by.to_owned(), at: rfc3339(at), revoked_at: None }, token))
    }

    /// Takes a token back: from now on it opens nothing.
    ///
    /// # Errors
    /// [`Error::Unknown`] when there is no such grant that holds, or the record can't be written.
    pub fn revoke(&mut self, id: &str) -> Result<Grant, Error> {
        let grants = self.view().grants()?;
        let known: Vec<String> = grants.iter().filter(|(grant, _)| grant.revoked_at.is_none()).map(|(grant, _)| grant.id.clone()).collect();
        let found = grants.into_iter().find(|(grant, _)| grant.id == id && grant.revoked_at.is_none());
        let Some((mut grant, cited)) = found else {
            return Err(Error::Unknown { what: format!("no token with the id {id:?} holds"), nearest: known });
        };
        let (at, home) = (now(), self.home().clone());
        let mut record = Record::new(Kind::Retracted, party(id), at, at).by(Authority::Declared, None);
        record.cites = BTreeSet::from([cited]);
        // first that it opens nothing, then that it is said
        self.append(|_| {
            Tokens::change(&home, |tokens| {
                tokens.remove(id);
            })?;
            Ok(vec![record.clone()])
        })?;
        grant.revoked_at = Some(rfc3339(at));
        Ok(grant)
    }
}

impl View<'_> {
    /// All grants, the oldest first, each with its record's id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn grants(&self) -> Result<Vec<(Grant, RecordId)>, Error> {
        let agreed = self.store().select(&Select { kinds: vec![Kind::Agreed], ..Select::default() })?;
        let agreed: Vec<_> = agreed.into_iter().filter(|entry| entry.record.text("about") == Some("access")).collect();
        let subjects: Vec<NodeId> = agreed.iter().map(|entry| entry.record.subject.clone()).collect();
        let select = Select { nodes: Some((Side::Subject, subjects)), kinds: vec![Kind::Retracted], ..Select::default() };
        let retracted = self.store().select(&select)?;
        let when =
            |id: &RecordId| retracted.iter().find(|entry| entry.record.cites.contains(id)).map(|entry| rfc3339(entry.record.happened));
        let grants = agreed.into_iter().filter_map(|entry| {
            let NodeId::Party(party) = &entry.record.subject else { return None };
            let text = |key| entry.record.text(key).map(str::to_owned);
            let grant = Grant {
                id: party.strip_prefix("token:")?.to_owned(),
                scope: Scope::from_word(entry.record.text("scope")?)?,
                name: text("name"),
                by: text("by").unwrap_or_default(),
                at: rfc3339(entry.record.happened),
                revoked_at: when(&entry.id),
            };
            Some((grant, entry.id))
        });
        Ok(grants.collect())
    }
}

fn party(id: &str) -> NodeId {
    NodeId::Party(format!("token:{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_until_it_is_taken_back_and_is_nowhere_in_the_record() {
        let temp = tempfile::tempdir().unwrap();
        let home = Home::proposed(temp.path()).unwrap();
        let mut ledger = Ledger::create(&home, "laptop").unwrap();
        let (grant, token) = ledger.grant(&[7; 32], Scope::Read, Some("for the board"), "aki@laptop").unwrap();
        let (other, _) = ledger.grant(&[8; 32], Scope::Write, None, "aki@laptop").unwrap();
        let tokens = Tokens::load(&home).unwrap();
        assert_eq!(tokens.check(&token), Some(Guest { id: grant.id.clone(), scope: Scope::Read }));
        assert_eq!(tokens.check(&token[..token.len() - 1]), None);
        assert_eq!(tokens.check(""), None);
        let mode = fs_err::metadata(Tokens::file(&home)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!fs_err::read_to_string(Tokens::file(&home)).unwrap().contains(&token));
        assert!(ledger.revoke("nobody").is_err());
        ledger.revoke(&grant.id).unwrap();
        assert!(ledger.revoke(&grant.id).is_err());
        let tokens = Tokens::load(&home).unwrap();
        assert_eq!((tokens.check(&token), tokens.guest(&other.id).is_some()), (None, true));
        let grants: Vec<Grant> = ledger.view().grants().unwrap().into_iter().map(|(grant, _)| grant).collect();
        assert_eq!(grants.iter().map(|grant| grant.revoked_at.is_some()).collect::<Vec<_>>(), [true, false]);
        assert_eq!((grants[0].name.as_deref(), grants[1].scope), (Some("for the board"), Scope::Write));
        for entry in ledger.tail(0, 10).unwrap() {
            assert!(!format!("{entry:?}").contains(&token));
        }
    }
}
