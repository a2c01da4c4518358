//! What ACL SETUSER's words do to a user.
//!
//! Commands by name, subcommand and category, key and channel patterns, passwords in the clear and
//! hashed. What this server does not have is refused by name: permissions to read or write only,
//! selectors, and first arguments of commands that have no subcommands.

use super::user::{Patterns, User, hash_of};
use crate::commands::{catalog, category_bit};

const SYNTAX: &str = "Syntax error";
const UNKNOWN: &str = "Unknown command or category name in ACL";
const NOT_HERE: &str = "This kind of rule is not supported by this server";
const BAD_HASH: &str = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";
const NO_SUCH_PASSWORD: &str = "The password you are trying to remove from the user does not exist";
const AFTER_ALL_KEYS: &str = "Adding a pattern after the * pattern (or the 'allkeys' flag) is not \
                              valid and does not have any effect. Try 'resetkeys' to start with an \
                              empty list of patterns";
const AFTER_ALL_CHANNELS: &str = "Adding a pattern after the * pattern (or the 'allchannels' flag) \
                                  is not valid and does not have any effect. Try 'resetchannels' to \
                                  start with an empty list of channels";

type Problem = &'static str;

impl User {
    /// Applies a rule.
    pub(super) fn apply(&mut self, rule: &[u8]) -> Result<(), Problem> {
        let is_known = self.apply_word(&rule.to_ascii_lowercase());
        if !is_known {
            self.apply_marked(rule)?;
        }
        self.is_unrestricted = self.keys == Patterns::All && self.commands.iter().all(|may| *may);
        Ok(())
    }

    /// Applies a rule that is a word; false when it is none.
    fn apply_word(&mut self, word: &[u8]) -> bool {
        match word {
            b"on" => self.is_on = true,
            b"off" => self.is_on = false,
            b"nopass" => {
                self.needs_no_password = true;
                self.passwords.clear();
            }
            b"resetpass" => {
                self.needs_no_password = false;
                self.passwords.clear();
            }
            b"allkeys" => self.keys = Patterns::All,
            b"resetkeys" => self.keys = Patterns::Some(Vec::new()),
            b"allchannels" => self.channels = Patterns::All,
            b"resetchannels" => self.channels = Patterns::Some(Vec::new()),
            b"allcommands" => self.allow_all(true),
            b"nocommands" => self.allow_all(false),
            // Nothing is loaded that would have to be checked, but it is shown.
            b"sanitize-payload" => self.payload_rule = Some("sanitize-payload"),
            b"skip-sanitize-payload" => self.payload_rule = Some("skip-sanitize-payload"),
            // There are none to clear.
            b"clearselectors" => {}
            b"reset" => {
                *self = Self::new(&self.name);
                self.payload_rule = Some("sanitize-payload");
            }
            _ => return false,
        }
        true
    }

    fn apply_marked(&mut self, rule: &[u8]) -> Result<(), Problem> {
        let (mark, rest) = rule.split_first().ok_or(SYNTAX)?;
        match mark {
            b'>' => self.add_password(hash_of(rest)),
            b'#' => self.add_password(hash_in(rest)?),
            b'<' => self.remove_password(&hash_of(rest))?,
            b'!' => self.remove_password(&hash_in(rest)?)?,
            b'~' => add(&mut self.keys, rest, AFTER_ALL_KEYS)?,
            b'&' => add(&mut self.channels, rest, AFTER_ALL_CHANNELS)?,
            b'%' | b'(' => return Err(NOT_HERE),
            b'+' => self.allow(rest, true)?,
            b'-' => self.allow(rest, false)?,
            _ => return Err(SYNTAX),
        }
        Ok(())
    }

    fn add_password(&mut self, hash: String) {
        self.needs_no_password = false;
        if !self.passwords.contains(&hash) {
            self.passwords.push(hash);
        }
    }

    fn remove_password(&mut self, hash: &str) -> Result<(), Problem> {
        let place = self.passwords.iter().position(|known| known == hash);
        self.passwords.remove(place.ok_or(NO_SUCH_PASSWORD)?);
        Ok(())
    }

    fn allow_all(&mut self, may: bool) {
        self.commands.fill(may);
        self.command_rules = vec![format!("{}@all", sign(may))];
    }

    /// Allows or forbids a command, a subcommand or a category.
    fn allow(&mut self, name: &[u8], may: bool) -> Result<(), Problem> {
        let name = std::str::from_utf8(name).map_err(|_| UNKNOWN)?.to_ascii_lowercase();
        if name == "@all" {
            self.allow_all(may);
            return Ok(());
        }
        if let Some(category) = name.strip_prefix('@') {
            let bit = category_bit(category).ok_or(UNKNOWN)?;
            for (command, allowed) in catalog().all.iter().zip(&mut self.commands) {
                if command.spec.all_categories() & bit != 0 {
                    *allowed = may;
                }
            }
        } else {
            let command = catalog().find_full(name.as_bytes()).ok_or(UNKNOWN);
            let command = command.map_err(|unknown| {
                let plain = name.split('|').next().unwrap_or_default();
                let is_plain = catalog().find(plain.as_bytes());
                // A first argument in the place of a subcommand.
                if is_plain.is_some_and(|it| it.subcommands.is_empty()) {
                    NOT_HERE
                } else {
                    unknown
                }
            })?;
            for number in command.subcommands.iter().map(|one| one.number).chain([command.number]) {
                if let Some(allowed) = self.commands.get_mut(number) {
                    *allowed = may;
                }
            }
        }
        let part = format!("{name}|");
        let is_superseded = |rule: &String| {
            rule.get(1..).is_some_and(|rule| rule == name || rule.starts_with(&part))
        };
        self.command_rules.retain(|rule| !is_superseded(rule));
        self.command_rules.push(format!("{}{name}", sign(may)));
        Ok(())
    }
}

fn sign(may: bool) -> char {
    if may { '+' } else { '-' }
}

fn add(patterns: &mut Patterns, pattern: &[u8], after_all: Problem) -> Result<(), Problem> {
    match patterns {
        Patterns::All if pattern == b"*" => {}
        Patterns::All => return Err(after_all),
        Patterns::Some(_) if pattern == b"*" => *patterns = Patterns::All,
        Patterns::Some(patterns) => {
            if !patterns.iter().any(|known| known == pattern) {
                patterns.push(pattern.to_vec());
            }
        }
    }
    Ok(())
}

fn hash_in(text: &[u8]) -> Result<String, Problem> {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() == 64 && text.iter().all(is_digit) {
        return Ok(String::from_utf8_lossy(text).into_owned());
    }
    Err(BAD_HASH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(rules: &[&str]) -> User {
        let mut user = User::new("u");
        rules.iter().for_each(|rule| user.apply(rule.as_bytes()).unwrap());
        user
    }

    #[test]
    fn rules_are_shown_as_they_hold() {
        let shown = |rules: &[&str]| user(rules).describe();
        assert_eq!(shown(&[]), "user u off resetchannels -@all");
        assert_eq!(
            shown(&["ON", "nopass", "allkeys", "&*", "+@all"]),
            "user u on nopass ~* &* +@all"
        );
        let hash = hash_of(b"pw");
        let expected =
            format!("user u on #{hash} ~a* ~b resetchannels &c -@all +@read -get +client|id");
        let rules =
            ["on", ">pw", ">pw", "~a*", "~b", "~a*", "&c", "+@read", "+get", "-get", "+client|id"];
        assert_eq!(shown(&rules), expected);
        assert_eq!(shown(&["+client|id", "+client", "-@all"]), "user u off resetchannels -@all");
        assert_eq!(shown(&["+client|id", "+client"]), "user u off resetchannels -@all +client");
        assert_eq!(
            shown(&["on", ">pw", "~k", "+get", "reset"]),
            "user u off sanitize-payload resetchannels -@all"
        );
    }

    #[test]
    fn wrong_rules_are_refused_in_redis_s_words() {
        let cases = [
            (&["foo"][..], SYNTAX),
            (&[""], SYNTAX),
            (&["+nosuch"], UNKNOWN),
            (&["+@nosuch"], UNKNOWN),
            (&["+client|nosuch"], UNKNOWN),
            (&["+get|x"], NOT_HERE),
            (&["%R~x"], NOT_HERE),
            (&["<none"], NO_SUCH_PASSWORD),
            (&["#zz"], BAD_HASH),
            (&["~*", "~b"], AFTER_ALL_KEYS),
            (&["&*", "&b"], AFTER_ALL_CHANNELS),
        ];
        for (rules, problem) in cases {
            let mut user = User::new("u");
            let outcome = rules.iter().try_for_each(|rule| user.apply(rule.as_bytes()));
            assert_eq!(outcome, Err(problem), "{rules:?}");
        }
    }

    #[test]
    fn only_who_may_do_everything_is_unrestricted() {
        assert!(user(&["~*", "+@all"]).is_unrestricted);
        assert!(!user(&["~*", "+@all", "-debug"]).is_unrestricted);
        assert!(!user(&["~a", "+@all"]).is_unrestricted);
        assert!(user(&["~*", "+@all", "-debug", "+debug"]).is_unrestricted);
    }
}
