//! The commands: one file a family, each with its rows and what carries them out.
//!
//! A family is a slice of [rows](CommandSpec) that [`FAMILIES`] names; dispatch, arity errors,
//! `COMMAND` and the statistics of commands derive from the rows. To add a family is to write its
//! file and to name it here.

mod acl;
mod blocking;
mod catalog;
mod client;
mod command;
#[cfg(test)]
mod compatibility;
mod config;
mod connection;
mod debug;
mod expiry;
mod failure;
mod hashes;
mod info;
mod keys;
mod latency;
mod lcs;
mod lists;
mod memory;
mod monitor;
mod moving;
mod numbers;
mod object;
mod server;
mod sets;
mod slow_log;
mod spec;
mod strings;
mod transactions;
mod words;

pub(crate) use acl::denial_text;
pub(crate) use blocking::write_end;
pub(crate) use catalog::{Command, Container, catalog};
pub(crate) use failure::Failure;
pub(crate) use info::everything;
pub(crate) use spec::{CommandSpec, category_bit, flag};
pub(crate) use transactions::{NOT_IN_TRANSACTION, ends_transaction};

use crate::{
    protocol::{Arguments, Reply},
    session::Session,
};

/// Every family's rows.
static FAMILIES: &[&[CommandSpec]] = &[
    acl::ROWS,
    blocking::ROWS,
    client::ROWS,
    command::ROWS,
    config::ROWS,
    connection::ROWS,
    debug::ROWS,
    expiry::ROWS,
    hashes::ROWS,
    info::ROWS,
    keys::ROWS,
    latency::ROWS,
    lcs::ROWS,
    lists::ROWS,
    memory::ROWS,
    monitor::ROWS,
    moving::ROWS,
    numbers::ROWS,
    object::ROWS,
    server::ROWS,
    sets::ROWS,
    slow_log::ROWS,
    strings::ROWS,
    transactions::ROWS,
];

/// A command with its arguments, and where its reply goes.
#[derive(Debug)]
pub(crate) struct Call<'c, 'o> {
    /// The client's state.
    pub(crate) session: &'c mut Session,
    /// The command.
    pub(crate) command: &'static Command,
    /// Its arguments, its own names first.
    pub(crate) args: Arguments<'c>,
    /// Where the reply is written.
    pub(crate) reply: &'c mut Reply<'o>,
}

impl Call<'_, '_> {
    /// Serves who waits for a list that the command may have made.
    #[inline]
    pub(crate) fn brought(&self, key: &[u8]) {
        let shared = &self.session.shared;
        shared.waiting.pushed(&shared.databases, self.session.database, key);
    }
}
