//! Cookies that tokens were traded for, and how often somebody may try.
//!
//! A cookie holds the grant's id, when it ends, and a keyed hash of both: the server keeps no list. The key is made at each start; a grant that
//! was revoked opens nothing, whatever cookie is shown.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hyper::header::{self, HeaderMap};

/// How long a cookie opens.
const SESSION: Duration = Duration::from_secs(12 * 3_600);
/// Addresses that are remembered.
const ADDRESSES_MAX: usize = 4_096;

/// Makes and opens cookies.
pub(crate) struct Sessions {
    key: [u8; 32],
    name: String,
}

impl Sessions {
    /// `name`: of the cookie. Cookies do not know ports, so two servers of one machine need two names.
    pub fn new(key: [u8; 32], name: String) -> Self {
        Self { key, name }
    }

    fn seal(&self, id: &str, until: u64) -> blake3::Hash {
        blake3::keyed_hash(&self.key, format!("{id}.{until}").as_bytes())
    }

    /// The header that gives a browser the cookie.
    pub fn set(&self, id: &str, secure: bool) -> String {
        let until = now() + SESSION.as_secs();
        let flag = if secure { "; Secure" } else { "" };
        let (name, seal, age) = (&self.name, self.seal(id, until), SESSION.as_secs());
        format!("{name}={id}.{until}.{seal}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{flag}")
    }

    /// The header that takes it away.
    pub fn clear(&self) -> String {
        format!("{}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0", self.name)
    }

    /// The cookie that a request brings.
    pub fn cookie(&self, headers: &HeaderMap) -> Option<String> {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.name).map(|(_, value)| value.to_owned())
    }

    /// The grant's id, when the cookie is one of ours and still opens.
    pub fn open(&self, cookie: &str) -> Option<String> {
        let mut parts = cookie.split('.');
        let (id, until, seal) = (parts.next()?, parts.next()?.parse::<u64>().ok()?, parts.next()?);
        let seal = blake3::Hash::from_hex(seal).ok()?;
        // the comparison of hashes takes the same time whatever they are
        (parts.next().is_none() && seal == self.seal(id, until) && until > now()).then(|| id.to_owned())
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// So many at once, and so many a second, for each address.
pub(crate) struct Rate {
    burst: f64,
    a_second: f64,
    left: Mutex<HashMap<IpAddr, (f64, Instant)>>,
}

impl Rate {
    pub fn new(burst: u32, a_second: f64) -> Self {
        Self { burst: f64::from(burst), a_second, left: Mutex::default() }
    }

    /// Whether one more is all right. `take`: it counts.
    pub fn allows(&self, address: IpAddr, take: bool) -> bool {
        let now = Instant::now();
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if left.len() >= ADDRESSES_MAX && !left.contains_key(&address) {
            // those who have been quiet for long enough have all of theirs again
            let (burst, a_second) = (self.burst, self.a_second);
            left.retain(|_, (open, at)| *open + now.duration_since(*at).as_secs_f64() * a_second < burst);
            if left.len() >= ADDRESSES_MAX {
                return false;
            }
        }
        let (open, at) = left.entry(address).or_insert((self.burst, now));
        *open = (*open + now.duration_since(*at).as_secs_f64() * self.a_second).min(self.burst);
        *at = now;
        let fine = *open >= 1.0;
        if fine && take {
            *open -= 1.0;
        }
        fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn a_cookie_opens_for_its_grant_alone() {
        let sessions = Sessions::new([3; 32], "keizu_ab".into());
        let set = sessions.set("1a2b3c4d", false);
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && !set.contains("Secure"));
        let cookie = set.split_once('=').unwrap().1.split(';').next().unwrap();
        assert_eq!(sessions.open(cookie).as_deref(), Some("1a2b3c4d"));
        let mut parts: Vec<&str> = cookie.split('.').collect();
        for (at, other) in [(0, "ffffffff"), (1, "99999999999"), (2, &"0".repeat(64))] {
            let kept = std::mem::replace(&mut parts[at], other);
            assert_eq!(sessions.open(&parts.join(".")), None, "{at}");
            parts[at] = kept;
        }
        assert_eq!(sessions.open(&format!("{cookie}.x")), None);
        assert_eq!(Sessions::new([4; 32], "keizu_ab".into()).open(cookie), None);
        let past = format!("id.5.{}", sessions.seal("id", 5));
        assert_eq!(sessions.open(&past), None);
        let mut headers = HeaderMap::new();
        headers.insert("cookie", HeaderValue::from_str(&format!("a=b; keizu_ab={cookie}; c=d")).unwrap());
        assert_eq!(sessions.cookie(&headers).as_deref(), Some(cookie));
    }

    #[test]
    fn who_tries_too_often_waits() {
        let rate = Rate::new(3, 0.000_1);
        let (one, other): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        assert!((0..3).all(|_| rate.allows(one, true)));
        assert!(!rate.allows(one, true) && !rate.allows(one, false));
        assert!(rate.allows(other, false));
    }
}
