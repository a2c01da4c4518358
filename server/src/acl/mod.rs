//! Users: who may connect, run which commands, and name which keys.
//!
//! There is always the user `default`, who is everybody that has not said who it is; a password of
//! redis.conf's `requirepass` is this user's. A connection holds its user's rules as they were when
//! it looked last, and looks again when the number of changes has grown: one load a command, and no
//! more for a user who may do everything.

mod rules;
mod user;

pub(crate) use user::{Denial, User};

use crate::sync::{Flag, Version, lock};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// The name of the user who is everybody.
pub(crate) const DEFAULT: &str = "default";

/// All users.
#[derive(Debug)]
pub(crate) struct Acl {
    users: Mutex<BTreeMap<String, Arc<User>>>,
    version: Version,
    /// Whether one has to say who one is.
    is_guarded: Flag,
}

impl Default for Acl {
    fn default() -> Self {
        let everybody = (DEFAULT.to_owned(), Arc::new(User::everybody()));
        Self {
            users: Mutex::new([everybody].into()),
            version: Version::default(),
            is_guarded: Flag::default(),
        }
    }
}

impl Acl {
    /// Changes with every change of a user.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.version.get()
    }

    /// Whether one has to say who one is before anything else.
    #[inline]
    pub(crate) fn is_guarded(&self) -> bool {
        self.is_guarded.is_raised()
    }

    /// A user.
    pub(crate) fn user(&self, name: &str) -> Option<Arc<User>> {
        lock(&self.users).get(name).cloned()
    }

    /// The user who is everybody.
    pub(crate) fn everybody(&self) -> Arc<User> {
        self.user(DEFAULT).unwrap_or_else(|| Arc::new(User::everybody()))
    }

    /// All users, by name.
    pub(crate) fn users(&self) -> Vec<Arc<User>> {
        lock(&self.users).values().cloned().collect()
    }

    /// The user of this name, if the password is one of that user's.
    pub(crate) fn authenticate(&self, name: &[u8], password: &[u8]) -> Option<Arc<User>> {
        let user = self.user(std::str::from_utf8(name).ok()?)?;
        (user.is_on && user.accepts(password)).then_some(user)
    }

    /// Makes a user or changes one, by all rules or by none.
    ///
    /// # Errors
    ///
    /// What is wrong with the first rule that is, in Redis's words.
    pub(crate) fn set_user(&self, name: &str, rules: &[&[u8]]) -> Result<(), String> {
        let mut users = lock(&self.users);
        let mut user = match users.get(name) {
            Some(user) => User::clone(user),
            None => User::new(name),
        };
        for rule in rules {
            user.apply(rule).map_err(|problem| {
                let rule = String::from_utf8_lossy(rule);
                format!("ERR Error in ACL SETUSER modifier '{rule}': {problem}")
            })?;
        }
        if name == DEFAULT {
            self.is_guarded.set(!(user.is_on && user.needs_no_password));
        }
        users.insert(name.to_owned(), Arc::new(user));
        self.version.advance();
        Ok(())
    }

    /// Removes a user; false when there is none.
    pub(crate) fn delete_user(&self, name: &str) -> bool {
        let was_there = lock(&self.users).remove(name).is_some();
        self.version.advance();
        was_there
    }

    /// redis.conf's `requirepass`: the password of everybody; none when it is empty.
    pub(crate) fn require_password(&self, password: &str) {
        let result = if password.is_empty() {
            self.set_user(DEFAULT, &[b"nopass"])
        } else {
            self.set_user(DEFAULT, &[b"resetpass", format!(">{password}").as_bytes()])
        };
        debug_assert!(result.is_ok(), "these rules are right");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_changed_by_all_rules_or_by_none() {
        let acl = Acl::default();
        let version = acl.version();
        assert!(acl.set_user("a", &[b"on", b"nonsense"]).is_err());
        assert!(acl.user("a").is_none());
        acl.set_user("a", &[b"on", b">one", b">two"]).unwrap();
        assert!(acl.version() > version);
        assert!(acl.authenticate(b"a", b"two").is_some());
        assert!(acl.authenticate(b"a", b"three").is_none());
        assert!(acl.authenticate(b"b", b"one").is_none());
        acl.set_user("a", &[b"off"]).unwrap();
        assert!(acl.authenticate(b"a", b"one").is_none());
        assert!(acl.delete_user("a") && !acl.delete_user("a"));
    }

    #[test]
    fn everybody_needs_a_password_once_there_is_one() {
        let acl = Acl::default();
        assert!(!acl.is_guarded() && acl.authenticate(b"default", b"anything").is_some());
        acl.require_password("secret");
        assert!(acl.is_guarded() && acl.authenticate(b"default", b"anything").is_none());
        assert!(acl.authenticate(b"default", b"secret").is_some());
        acl.require_password("");
        assert!(!acl.is_guarded());
        acl.set_user(DEFAULT, &[b"off"]).unwrap();
        assert!(acl.is_guarded());
    }
}
