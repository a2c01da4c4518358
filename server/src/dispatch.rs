//! From a request to its reply.

use crate::{
    commands::{
        Call, Command, Container, Failure, NOT_IN_TRANSACTION, catalog, denial_text,
        ends_transaction, flag,
    },
    monitors::is_secret,
    protocol::{Arguments, Reply},
    session::{Next, ReplyMode, Session},
    slow_log::{SlowCommand, abridged, since_1970},
};
use memory_cache_pool::Error;
use std::time::Duration;

/// The most bytes of an unknown command that an error repeats, and of its arguments.
const REPEATED: usize = 128;

/// Carries out a request and writes the reply to the end of `out`.
pub(crate) fn execute(session: &mut Session, args: Arguments<'_>, out: &mut Vec<u8>) {
    let before = out.len();
    if session.reply_mode == ReplyMode::SkipNext {
        session.reply_mode = ReplyMode::Skip;
    }
    session.follow_numbering();
    session.follow_users();
    match find(args).and_then(|command| permitted(session, command, args)) {
        Ok(command) => carry_out(session, command, args, out),
        Err(refusal) => refuse(session, &refusal, out),
    }
    if let Next::Block(blocked) = &mut session.next {
        blocked.is_silent = session.reply_mode != ReplyMode::On;
    }
    match session.reply_mode {
        ReplyMode::On => {}
        ReplyMode::Off | ReplyMode::SkipNext => out.truncate(before),
        ReplyMode::Skip => {
            out.truncate(before);
            session.reply_mode = ReplyMode::On;
        }
    }
}

/// Why a request does not come to be carried out.
struct Refusal {
    command: Option<&'static Command>,
    text: Vec<u8>,
}

/// The command that a request names, if it has as many arguments as that takes.
fn find(args: Arguments<'_>) -> Result<&'static Command, Refusal> {
    let unknown = |text| Refusal { command: None, text };
    let command = catalog().find(args.at(0)).ok_or_else(|| unknown(unknown_command(args)))?;
    let command = match args.get(1).map_or(Container::Plain, |word| command.contained(word)) {
        Container::Plain => command,
        Container::Has(subcommand) => subcommand,
        Container::HasNot => return Err(unknown(unknown_subcommand(command, args.at(1)))),
    };
    if command.spec.takes(args.len()) {
        return Ok(command);
    }
    let text = Failure::Arity.wire_text(&command.name).into_owned().into_bytes();
    Err(Refusal { command: Some(command), text })
}

fn unknown_command(args: Arguments<'_>) -> Vec<u8> {
    let head = |bytes: &[u8], most: usize| bytes.iter().copied().take(most).collect::<Vec<u8>>();
    let mut repeated = Vec::new();
    for argument in args.iter().skip(1) {
        if repeated.len() >= REPEATED {
            break;
        }
        let room = REPEATED - repeated.len();
        repeated.push(b'\'');
        repeated.extend(head(argument, room));
        repeated.extend_from_slice(b"' ");
    }
    let name = head(args.at(0), REPEATED);
    [b"ERR unknown command '", &name[..], b"', with args beginning with: ", &repeated].concat()
}

fn unknown_subcommand(command: &Command, word: &[u8]) -> Vec<u8> {
    let word = word.get(..REPEATED).unwrap_or(word);
    let help = format!("'. Try {} HELP.", command.name.to_ascii_uppercase());
    [b"ERR unknown subcommand '", word, help.as_bytes()].concat()
}

/// The command, if the client may use it.
fn permitted(
    session: &Session,
    command: &'static Command,
    args: Arguments<'_>,
) -> Result<&'static Command, Refusal> {
    let refuse = |text: &[u8]| Err(Refusal { command: Some(command), text: text.to_vec() });
    if !session.is_authenticated && !command.spec.has(flag::NO_AUTH) {
        return refuse(b"NOAUTH Authentication required.");
    }
    if !session.user.is_unrestricted
        && !command.spec.has(flag::NO_AUTH)
        && let Err(denial) = session.user.check(command, args)
    {
        return refuse(denial_text(command, &denial).as_bytes());
    }
    if command.spec.has(flag::WRITE | flag::READONLY) && session.client.is_monitor.is_raised() {
        return refuse(b"ERR Replica can't interact with the keyspace");
    }
    if session.is_in_refused_transaction && !ends_transaction(command) {
        return refuse(NOT_IN_TRANSACTION.as_bytes());
    }
    Ok(command)
}

#[cold]
fn refuse(session: &Session, refusal: &Refusal, out: &mut Vec<u8>) {
    let tallies = &session.shared.tallies;
    tallies.error(&String::from_utf8_lossy(&refusal.text));
    if let Some(tally) = refusal.command.and_then(|command| tallies.commands.get(command.number)) {
        tally.rejected.add(1);
    }
    Reply::new(out, session.protocol).error_bytes(&refusal.text);
}

fn carry_out(
    session: &mut Session,
    command: &'static Command,
    args: Arguments<'_>,
    out: &mut Vec<u8>,
) {
    let before = out.len();
    let mut reply = Reply::new(out, session.protocol);
    let mut outcome = (command.spec.run)(&mut Call { session, command, args, reply: &mut reply });
    if matches!(outcome, Err(Failure::Pool(Error::OutOfMemory)))
        && session.shared.databases.share_memory()
    {
        reply.take_back(before);
        outcome = (command.spec.run)(&mut Call { session, command, args, reply: &mut reply });
    }
    if let Err(failure) = outcome {
        reply.take_back(before);
        let text = failure.wire_text(&command.name);
        session.shared.tallies.error(&text);
        if let Some(tally) = session.shared.tallies.commands.get(command.number) {
            tally.failed.add(1);
        }
        reply.error(text);
    }
    count(session, command, args);
    if session.shared.monitors.is_any() && !command.spec.has(flag::ADMIN) {
        session.shared.monitors.show(session, command, args);
    }
}

/// The longest time to sleep that is counted.
const LONGEST_SLEEP: Duration = Duration::from_secs(1 << 25);

/// Counts a command that has ended now, or does nothing more but sleep, and remembers it if it takes
/// long.
fn count(session: &mut Session, command: &'static Command, args: Arguments<'_>) {
    let now = session.shared.clock.raw();
    let mut nanos = session.shared.clock.delta_as_nanos(session.mark, now);
    session.mark = now;
    if let Next::Sleep(time) = session.next {
        nanos += u64::try_from(time.min(LONGEST_SLEEP).as_nanos()).unwrap_or(0);
    }
    if session.streak.number != command.number {
        session.settle();
        session.streak.number = command.number;
    }
    session.streak.add(nanos);
    if nanos >= session.shared.settings.remarkable_from.get() {
        remark(session, nanos, command, args);
    }
}

/// Notes a command that took so long that it is in the slow log, or an event, or both.
#[cold]
fn remark(session: &Session, nanos: u64, command: &Command, args: Arguments<'_>) {
    let (micros, millis) = (nanos / 1000, nanos / 1_000_000);
    let settings = &session.shared.settings;
    if micros >= settings.slow_from.get() && !command.spec.has(flag::SKIP_SLOWLOG) {
        remember(session, micros, command, args);
    }
    if millis >= settings.event_from.get() {
        note_event(session, millis, command);
    }
}

fn note_event(session: &Session, millis: u64, command: &Command) {
    let name = if command.spec.has(flag::FAST) { "fast-command" } else { "command" };
    let second = i64::try_from(since_1970().as_secs()).unwrap_or(i64::MAX);
    session.shared.events.add(name, second, i64::try_from(millis).unwrap_or(i64::MAX));
}

fn remember(session: &Session, micros: u64, command: &Command, args: Arguments<'_>) {
    let most = usize::try_from(session.shared.settings.slow_log_length.get()).unwrap_or(0);
    let shown = abridged(args, |at| is_secret(command, args, at));
    let command = SlowCommand {
        id: 0,
        unix_seconds: i64::try_from(since_1970().as_secs()).unwrap_or(i64::MAX),
        micros: i64::try_from(micros).unwrap_or(i64::MAX),
        arguments: shown,
        address: session.client.address.clone(),
        client_name: session.client.name(),
    };
    session.shared.slow_log.keep(command, most);
}
