//! What several tests share: commands as data, and a plain keyspace to compare with.

#![allow(dead_code, clippy::allow_attributes, reason = "each test uses a part of it")]

pub(crate) mod collections;
pub(crate) mod command;
pub(crate) mod oracle;
pub(crate) mod pair;
pub(crate) mod policies;
pub(crate) mod reply;
pub(crate) mod resp;
pub(crate) mod schedule;
pub(crate) mod source;
pub(crate) mod text_commands;
