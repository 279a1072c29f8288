//! Secrets: what is never written down, by name and by form.
//!
//! One function judges variables, arguments and settings alike. It would rather hide a harmless value than write down a secret; where the
//! words of machine learning collide with those of secrets (`max_tokens`, `sort_key`) the harmless meaning is spared.

use crate::config::Config;
use crate::recognise::one_of;

/// What stands in place of a secret.
pub const REDACTED: &str = "[redacted]";

/// Words that make a name a secret's, wherever they stand in it.
const SECRET: &str = "secret secrets password passwd passphrase pwd credential credentials apikey authorization cookie";
/// Words beside which `key` and `token` are harmless.
const HARMLESS: &str = "\
    sort primary foreign join group partition public order row column col pad eos bos unk mask sep cls special id ids index \
    type name num max min field len length size count value cache";
/// Names that hold digests: long hex is no secret there.
const DIGESTS: &str = "commit sha sha1 sha256 md5 digest hash revision rev checksum id ref b3";
/// Known beginnings of keys, and how long the whole must be.
const PREFIXES: &[(&str, usize)] = &[
    ("AKIA", 16),
    ("ASIA", 16),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghu_", 20),
    ("ghs_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("sk-", 20),
    ("sk_live_", 16),
    ("sk_test_", 16),
    ("rk_live_", 16),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("xoxa-", 16),
    ("hf_", 20),
    ("AIza", 30),
    ("ya29.", 20),
    ("dapi", 32),
    ("npm_", 30),
    ("pypi-", 30),
    ("SG.", 30),
    ("dckr_pat_", 16),
    ("AGE-SECRET-KEY-", 20),
];

/// Judges what is a secret.
#[derive(Debug, Clone, Copy)]
pub struct Redactor<'a> {
    config: &'a Config,
}

impl<'a> Redactor<'a> {
    /// With what the project declares.
    pub fn new(config: &'a Config) -> Self {
        Self { config }
    }

    /// The value of a variable, parameter or setting, as it may be written down.
    pub fn value(&self, name: &str, value: &str) -> String {
        if value.is_empty() {
            return String::new();
        }
        if self.config.hides_name(name) || names_secret(name, value) {
            return REDACTED.to_owned();
        }
        let digest = words(name).iter().any(|word| one_of(DIGESTS, word));
        self.shape(value, digest)
    }

    /// A command line as it may be written down: same number of words, secrets replaced.
    pub fn command(&self, argv: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut out: Vec<Vec<u8>> = Vec::with_capacity(argv.len());
        let mut flag: Option<String> = None;
        for word in argv {
            let Ok(text) = std::str::from_utf8(word) else {
                flag = None;
                out.push(word.clone());
                continue;
            };
            let name = flag.take();
            if text.starts_with('-') && !text.contains('=') && !text.contains(char::is_whitespace) {
                flag = Some(text.trim_start_matches('-').to_owned());
            }
            out.push(self.word(name.as_deref(), text).into_bytes());
        }
        out
    }

    fn word(&self, flag: Option<&str>, text: &str) -> String {
        // a script in an argument (`bash -c "curl -u …"`) is a command line of its own
        if text.contains(char::is_whitespace) && !text.to_ascii_lowercase().contains("authorization") {
            let mut previous: Option<String> = None;
            let parts = text.split_inclusive(char::is_whitespace).map(|part| {
                let bare = part.trim_end();
                let name = previous.take();
                if bare.starts_with('-') && !bare.contains('=') {
                    previous = Some(bare.trim_start_matches('-').to_owned());
                }
                format!("{}{}", self.word(name.as_deref(), bare), &part[bare.len()..])
            });
            return parts.collect();
        }
        if let Some((name, value)) = text.split_once('=')
            && name.trim_start_matches(['-', '+']).chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
        {
            return format!("{name}={}", self.value(name.trim_start_matches(['-', '+']), value));
        }
        match flag {
            Some(flag) if !text.starts_with('-') || names_secret(flag, text) => self.value(flag, text),
            _ => self.shape(text, false),
        }
    }

    /// Any text, secrets replaced by their form alone.
    fn shape(&self, text: &str, digest: bool) -> String {
        let lower = text.to_ascii_lowercase();
        for scheme in ["authorization:", "bearer ", "basic "] {
            if let Some(at) = lower.find(scheme)
                && text.len() > at + scheme.len()
            {
                return format!("{}{REDACTED}", &text[..at + scheme.len()]);
            }
        }
        if lower.contains("-----begin") && lower.contains("private key") {
            return REDACTED.to_owned();
        }
        let text = without_user(text);
        if text.split([',', ';', ' ', '"', '\'', '&', '?', ':', '@', '=']).any(|part| looks_secret(part, digest)) {
            return REDACTED.to_owned();
        }
        text
    }
}

/// `scheme://user:pass@host` without the user and the password.
fn without_user(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        let authority = tail.find(['/', '?', '#', ' ', '"', '\'', ',']).unwrap_or(tail.len());
        rest = match tail[..authority].rfind('@') {
            Some(sign) if tail[..sign].contains(':') || sign >= 16 => {
                out.push_str(REDACTED);
                &tail[sign..]
            }
            _ => tail,
        };
    }
    out.push_str(rest);
    out
}

/// The words of a name, in lower case: `maxTokens`, `MAX_TOKENS` and `max-tokens` have the same.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            words.push(String::new());
            lower = false;
            continue;
        }
        if c.is_ascii_uppercase() && lower {
            words.push(String::new());
        }
        lower = c.is_ascii_lowercase();
        if let Some(word) = words.last_mut() {
            word.push(c.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a thing of this name holds a secret.
fn names_secret(name: &str, value: &str) -> bool {
    let words = words(name);
    let has = |word: &str| words.iter().any(|w| w == word);
    if words.iter().any(|word| one_of(SECRET, word) || (word.ends_with("password") || word.ends_with("secret"))) {
        return true;
    }
    let harmless = words.iter().any(|word| one_of(HARMLESS, word)) || value.parse::<f64>().is_ok() || is_flag(value);
    if has("pass") || has("auth") {
        return !harmless && words.len() <= 3;
    }
    if words.last().is_some_and(|word| word == "token" || word.ends_with("apikey") || word.ends_with("token"))
        || (has("token") && !harmless)
    {
        return !harmless;
    }
    if words.last().is_some_and(|word| word == "key") {
        // `--key id` names a column, `KEY=…` and `--key dGhlIHNlY3JldA==` do not
        let loud = name.chars().any(|c| c.is_ascii_uppercase()) && !name.chars().any(|c| c.is_ascii_lowercase());
        let qualified = words.len() > 1;
        return !harmless && (loud || qualified || value.len() >= 16);
    }
    false
}

fn is_flag(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "true" | "false" | "yes" | "no" | "none" | "null" | "on" | "off")
}

/// Whether a word without spaces has the form of a key, a token or a password hash.
fn looks_secret(word: &str, digest: bool) -> bool {
    if PREFIXES.iter().any(|(prefix, length)| word.len() >= *length && word.starts_with(prefix) && plain(&word[prefix.len()..])) {
        return true;
    }
    let mut parts = word.split('.');
    if let (Some(head), Some(body), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        && head.starts_with("eyJ")
        && body.len() >= 8
        && plain(body)
    {
        return true;
    }
    if digest {
        return false;
    }
    let hex = word.strip_prefix("0x").unwrap_or(word);
    if hex.len() >= 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()) && classes(hex) >= 2 {
        return true;
    }
    // forty characters of base64, as Amazon's secret keys
    if word.len() == 40 && !word.starts_with('/') && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'/' || b == b'+') {
        return classes(word) == 3 && entropy(word) > 4.2;
    }
    let bare = word.trim_end_matches('=');
    bare.split(['/', '.', '-', '_']).any(|part| {
        part.len() >= 32 && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+') && classes(part) == 3 && entropy(part) > 4.0
    })
}

fn plain(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'+' | b'/' | b'='))
}

/// How many of lower case, upper case and digits occur.
fn classes(text: &str) -> usize {
    let has = |is: fn(&u8) -> bool| usize::from(text.as_bytes().iter().any(is));
    has(u8::is_ascii_lowercase) + has(u8::is_ascii_uppercase) + has(u8::is_ascii_digit)
}

/// Shannon entropy, bits a character.
fn entropy(text: &str) -> f64 {
    let mut counts = [0u32; 256];
    text.bytes().for_each(|b| counts[usize::from(b)] += 1);
    let total = text.len() as f64;
    counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total).map(|share| -share * share.log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(name: &str, value: &str) -> String {
        Redactor::new(&Config::default()).value(name, value)
    }

    fn command(words: &[&str]) -> Vec<String> {
        let argv: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let out = Redactor::new(&Config::default()).command(&argv);
        out.into_iter().map(|word| String::from_utf8(word).unwrap()).collect()
    }

    #[test]
    fn secrets_by_name() {
        for name in [
            "API_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "HF_TOKEN",
            "db-password",
            "dbPassword",
            "PGPASSWORD",
            "MY_CREDENTIALS",
            "wandb_api_key",
            "KEY",
        ] {
            assert_eq!(value(name, "x1"), REDACTED, "{name}");
        }
    }

    #[test]
    fn words_of_machine_learning_are_no_secrets() {
        for (name, text) in [
            ("max_tokens", "512"),
            ("pad_token", "<pad>"),
            ("sort_key", "date"),
            ("key", "id"),
            ("token_id", "7"),
            ("tokenizer", "bert-base-uncased"),
            ("monkey", "x"),
            ("passes", "3"),
            ("data", "/data/2013/Flights-with-a-long-name/January/2013-01-01.parquet"),
            ("commit", "4c1f2e70f6f0a3e9b1c2d3e4f5a6b7c8d9e0f1a2"),
            ("model", "sentence-transformers/all-MiniLM-L6-v2"),
            ("seed", "12345678901234567890123456789012"),
        ] {
            assert_eq!(value(name, text), text, "{name}");
        }
    }

    #[test]
    fn secrets_by_form() {
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "9f86d081884c7d659a2feaa0c55ad015",
            "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MEFCQ0RFRkdISUpL",
        ] {
            assert_eq!(value("x", text), REDACTED, "{text}");
        }
        assert_eq!(value("x", "postgres://aki:s3cret@db/flights"), "postgres://[redacted]@db/flights");
        assert_eq!(value("x", "https://example.org/a@b"), "https://example.org/a@b");
    }

    #[test]
    fn command_lines() {
        assert_eq!(
            command(&["x.py", "--password", "p", "--token=abcd", "KEY=v", "--depth", "6"]),
            ["x.py", "--password", REDACTED, "--token=[redacted]", "KEY=[redacted]", "--depth", "6"]
        );
        assert_eq!(command(&["curl", "-H", "Authorization: Bearer abc"]), ["curl", "-H", "Authorization:[redacted]"]);
        assert_eq!(
            command(&["sh", "-c", "PASSWORD=x python t.py --api-key y && echo  done"])[2],
            "PASSWORD=[redacted] python t.py --api-key [redacted] && echo  done"
        );
        assert_eq!(command(&["x", "--password", "-starts-with-a-dash"])[2], REDACTED);
        assert_eq!(command(&["t.py", "--verbose", "--lr", "0.1"]), ["t.py", "--verbose", "--lr", "0.1"]);
    }

    proptest! {
        #[test]
        fn a_named_secret_never_survives(secret in "[a-zA-Z0-9/+]{5,40}", style in 0..4) {
            let argv = match style {
                0 => vec!["t".to_owned(), "--password".into(), secret.clone()],
                1 => vec!["t".to_owned(), format!("--client-secret={secret}")],
                2 => vec!["env".to_owned(), format!("DB_PASSWORD={secret}")],
                _ => vec!["sh".to_owned(), "-c".into(), format!("run --password {secret} --x")],
            };
            let argv: Vec<Vec<u8>> = argv.into_iter().map(String::into_bytes).collect();
            let out = Redactor::new(&Config::default()).command(&argv);
            prop_assert_eq!(out.len(), argv.len());
            let needle = secret.as_bytes();
            let kept = out[1..].iter().any(|word| word.windows(needle.len()).any(|w| w == needle));
            prop_assert!(!kept || b"--password --client-secret= DB_PASSWORD= -c run --password [redacted] --x".windows(needle.len()).any(|w| w == needle));
        }

        #[test]
        fn nothing_panics_and_words_keep_their_number(argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8)) {
            prop_assert_eq!(Redactor::new(&Config::default()).command(&argv).len(), argv.len());
        }

        #[test]
        fn numbers_and_plain_words_stay(name in "(depth|lr|seed|epochs|learning_rate|batch)", number in any::<i32>(), word in "[a-z]{1,20}") {
            prop_assert_eq!(value(&name, &number.to_string()), number.to_string());
            prop_assert_eq!(value(&name, &word), word);
        }
    }
}
