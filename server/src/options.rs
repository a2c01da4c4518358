//! What a server is started with: redis.conf's names, from a file, a command line or a host.

use crate::{
    acl::Acl,
    settings::{Setting, Settings, setting},
};
use memory_cache_pool::{CacheConfig, ConfigError, EvictionPolicy, MemoryCachePool};
use std::{error, fmt};

/// What a server is started with; whatever is not said is as in Redis, except that nothing is saved.
///
/// ```
/// use memory_cache_server::ServerOptions;
///
/// let options = ServerOptions::new()
///     .read_conf("port 0\n# of redis.conf's names\nrequirepass \"a secret\"\n")?
///     .set("maxclients", "50")?;
/// assert!(ServerOptions::new().read_conf("no-such-name 1").is_err());
/// # Ok::<(), memory_cache_server::OptionError>(())
/// ```
#[derive(Debug, Default)]
pub struct ServerOptions {
    pub(crate) given: Vec<(&'static Setting, String)>,
    /// Users by name, with their rules.
    users: Vec<(String, Vec<String>)>,
}

/// A name or a value that the server does not know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OptionError {
    /// The line, from 1 on, when it came from a file.
    line: Option<usize>,
    name: String,
    problem: String,
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "'{}': {}", self.name, self.problem)
    }
}

impl error::Error for OptionError {}

impl ServerOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one of redis.conf's names. `user NAME RULE…` may be there several times.
    ///
    /// # Errors
    ///
    /// [`OptionError`] when the name is not known, or the value is none of its values.
    pub fn set(mut self, name: &str, value: &str) -> Result<Self, OptionError> {
        let refuse = |problem| OptionError { line: None, name: name.to_owned(), problem };
        if name.eq_ignore_ascii_case("user") {
            let mut words = value.split_ascii_whitespace().map(str::to_owned);
            let user = words.next().ok_or_else(|| refuse("a user has a name".to_owned()))?;
            let rules: Vec<_> = words.collect();
            add_user(&Acl::default(), &user, &rules).map_err(refuse)?;
            self.users.push((user, rules));
            return Ok(self);
        }
        let row = setting(name).ok_or_else(|| refuse("no such option".to_owned()))?;
        let value = row.read(value).map_err(refuse)?;
        self.given.push((row, value));
        Ok(self)
    }

    /// Sets what a redis.conf says: a name and its values a line, in quotes where they need some;
    /// a line that begins with `#` is a comment.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set), with the number of the line.
    pub fn read_conf(mut self, text: &str) -> Result<Self, OptionError> {
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let at = |mut error: OptionError| {
                error.line = Some(index + 1);
                error
            };
            let words = words_of(line).ok_or_else(|| {
                at(OptionError {
                    line: None,
                    name: line.to_owned(),
                    problem: "unbalanced quotes".to_owned(),
                })
            })?;
            if let Some((name, values)) = words.split_first() {
                self = self.set(name, &values.join(" ")).map_err(at)?;
            }
        }
        Ok(self)
    }

    /// Sets what a command line says: `--name value…`, as Redis's own.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set); also for a value without a name before it.
    pub fn read_arguments(
        mut self,
        arguments: impl IntoIterator<Item = String>,
    ) -> Result<Self, OptionError> {
        let mut pending: Option<(String, Vec<String>)> = None;
        for argument in arguments {
            if let Some(name) = argument.strip_prefix("--") {
                if let Some((name, values)) = pending.take() {
                    self = self.set(&name, &values.join(" "))?;
                }
                pending = Some((name.to_owned(), Vec::new()));
            } else if let Some((_, values)) = &mut pending {
                values.push(argument);
            } else {
                let problem = "a value without a name".to_owned();
                return Err(OptionError { line: None, name: argument, problem });
            }
        }
        match pending {
            Some((name, values)) => self.set(&name, &values.join(" ")),
            None => Ok(self),
        }
    }

    /// The users that are described, and the password of everybody.
    pub(crate) fn users(&self, password: &str) -> Acl {
        let acl = Acl::default();
        if !password.is_empty() {
            acl.require_password(password);
        }
        for (name, rules) in &self.users {
            // They have been found right when they were given.
            let _added = add_user(&acl, name, rules);
        }
        acl
    }

    /// The value of one of redis.conf's names: what was set last, or the default. `None` when there is
    /// no such name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        setting(name).map(|row| Settings::new(&self.given).get(row.name))
    }

    /// A pool as the options describe it: `maxmemory` and `maxmemory-policy`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the pool cannot be so.
    pub fn build_pool(&self) -> Result<MemoryCachePool, ConfigError> {
        MemoryCachePool::new(self.pool_config())
    }

    /// The configuration of the pools that the server makes.
    pub(crate) fn pool_config(&self) -> CacheConfig {
        let mut config = CacheConfig::new().eviction_policy(EvictionPolicy::NoEviction);
        for (row, value) in &self.given {
            match row.name {
                "maxmemory" => {
                    if let Some(bytes) = value.parse::<u64>().ok().filter(|bytes| *bytes > 0) {
                        config = config.max_memory(bytes);
                    }
                }
                "maxmemory-policy" => {
                    if let Ok(policy) = value.parse() {
                        config = config.eviction_policy(policy);
                    }
                }
                _ => {}
            }
        }
        config
    }
}

fn add_user(acl: &Acl, name: &str, rules: &[String]) -> Result<(), String> {
    let rules: Vec<&[u8]> = rules.iter().map(|rule| rule.as_bytes()).collect();
    acl.set_user(name, &rules)
}

/// The words of a line, of which those in quotes may hold spaces.
fn words_of(line: &str) -> Option<Vec<String>> {
    let words = crate::protocol::words(line.as_bytes())?;
    Some(words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect())
}
