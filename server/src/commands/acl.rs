//! ACL: users and what they may do.

use super::{
    Call, CommandSpec, Container, Failure, catalog,
    spec::{category, category_bit, flag, row},
    words::{Outcome, is_word},
};
use crate::{
    acl::{DEFAULT, Denial},
    protocol::parse_integer,
};
use std::{fs::File, io::Read};

const SHOWN: u32 = flag::NOSCRIPT | flag::LOADING | flag::STALE;
const MANAGED: u32 = flag::ADMIN | SHOWN;

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[row("acl", -2, flag::NONE, super::command::container)
    .doc(
        "server",
        "6.0.0",
        "Depends on subcommand.",
        "A container for Access List Control commands ",
    )
    .subcommands(&[
        row("cat", -2, SHOWN, cat).doc(
            "server",
            "6.0.0",
            "O(1) since the categories and commands are a fixed set.",
            "List the ACL categories or the commands inside a category",
        ),
        row("deluser", -3, MANAGED, deluser).doc(
            "server",
            "6.0.0",
            "O(1) amortized time considering the typical user.",
            "Remove the specified ACL users and the associated rules",
        ),
        row("dryrun", -4, MANAGED, dryrun).doc(
            "server",
            "7.0.0",
            "O(1).",
            "Returns whether the user can execute the given command without executing the command.",
        ),
        row("genpass", -2, SHOWN, genpass).doc(
            "server",
            "6.0.0",
            "O(1)",
            "Generate a pseudorandom secure password to use for ACL users",
        ),
        row("getuser", 3, MANAGED, getuser).doc(
            "server",
            "6.0.0",
            "O(N). Where N is the number of password, command and pattern rules that the user has.",
            "Get the rules for a specific ACL user",
        ),
        row("help", 2, flag::LOADING | flag::STALE, super::command::help).doc(
            "server",
            "6.0.0",
            "O(1)",
            "Show helpful text about the different subcommands",
        ),
        row("list", 2, MANAGED, list).doc(
            "server",
            "6.0.0",
            "O(N). Where N is the number of configured users.",
            "List the current ACL rules in ACL config file format",
        ),
        row("load", 2, MANAGED, no_file).doc(
            "server",
            "6.0.0",
            "O(N). Where N is the number of configured users.",
            "Reload the ACLs from the configured ACL file",
        ),
        row("log", -2, MANAGED, log).doc(
            "server",
            "6.0.0",
            "O(N) with N being the number of entries shown.",
            "List latest events denied because of ACLs in place",
        ),
        row("save", 2, MANAGED, no_file).doc(
            "server",
            "6.0.0",
            "O(N). Where N is the number of configured users.",
            "Save the current ACL rules in the configured ACL file",
        ),
        row("setuser", -3, MANAGED, setuser).doc(
            "server",
            "6.0.0",
            "O(N). Where N is the number of rules provided.",
            "Modify or create the rules for a specific ACL user",
        ),
        row("users", 2, MANAGED, users).doc(
            "server",
            "6.0.0",
            "O(N). Where N is the number of configured users.",
            "List the username of all the configured ACL rules",
        ),
        row("whoami", 2, SHOWN, whoami).doc(
            "server",
            "6.0.0",
            "O(1)",
            "Return the name of the user associated to the current connection",
        ),
    ])];

fn cat(call: &mut Call<'_, '_>) -> Outcome {
    let Some(wanted) = call.args.get(2) else {
        call.reply.bulks(category::NAMES.iter());
        return Ok(());
    };
    let wanted = String::from_utf8_lossy(wanted).to_ascii_lowercase();
    let unknown = || Failure::made(format!("ERR Unknown category '{wanted}'"));
    let bit = category_bit(&wanted).ok_or_else(unknown)?;
    let commands = catalog().all.iter().filter(|one| one.spec.all_categories() & bit != 0);
    let names: Vec<_> = commands.map(|command| command.name.as_str()).collect();
    call.reply.bulks(names.iter());
    Ok(())
}

/// A name of a user, as text.
fn name_of(argument: &[u8]) -> Result<&str, Failure> {
    let text = "ERR Usernames can't contain spaces or null characters";
    let is_wrong = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
    let name = std::str::from_utf8(argument).map_err(|_| Failure::text(text))?;
    if argument.iter().any(is_wrong) { Err(Failure::text(text)) } else { Ok(name) }
}

fn setuser(call: &mut Call<'_, '_>) -> Outcome {
    let name = name_of(call.args.at(2))?;
    let rules: Vec<&[u8]> = call.args.iter().skip(3).collect();
    call.session.shared.acl.set_user(name, &rules).map_err(Failure::made)?;
    call.reply.ok();
    Ok(())
}

/// Connections of a user who is removed end.
fn deluser(call: &mut Call<'_, '_>) -> Outcome {
    if call.args.iter().skip(2).any(|name| name == DEFAULT.as_bytes()) {
        return Err(Failure::text("ERR The 'default' user cannot be removed"));
    }
    let mut deleted = 0;
    for name in call.args.iter().skip(2).filter_map(|name| std::str::from_utf8(name).ok()) {
        if call.session.shared.acl.delete_user(name) {
            deleted += 1;
            let mut clients = call.session.shared.clients.list();
            clients.retain(|client| client.user() == name);
            super::client::end(call, &clients);
        }
    }
    call.reply.count(deleted);
    Ok(())
}

fn getuser(call: &mut Call<'_, '_>) -> Outcome {
    let name = std::str::from_utf8(call.args.at(2)).unwrap_or_default();
    let Some(user) = call.session.shared.acl.user(name) else {
        call.reply.null();
        return Ok(());
    };
    let mut flags = vec![if user.is_on { "on" } else { "off" }];
    if user.needs_no_password {
        flags.push("nopass");
    }
    flags.extend(user.payload_rule);
    call.reply.map(6);
    call.reply.bulk("flags");
    call.reply.set(flags.len());
    flags.iter().for_each(|flag| call.reply.bulk(flag));
    call.reply.bulk("passwords");
    call.reply.bulks(user.passwords.iter());
    for (name, rules) in [
        ("commands", user.command_rules()),
        ("keys", user.key_rules()),
        ("channels", user.channel_rules()),
    ] {
        call.reply.bulk(name);
        call.reply.bulk(rules);
    }
    call.reply.bulk("selectors");
    call.reply.array(0);
    Ok(())
}

fn list(call: &mut Call<'_, '_>) -> Outcome {
    let users = call.session.shared.acl.users();
    let lines: Vec<_> = users.iter().map(|user| user.describe()).collect();
    call.reply.bulks(lines.iter());
    Ok(())
}

fn users(call: &mut Call<'_, '_>) -> Outcome {
    let users = call.session.shared.acl.users();
    call.reply.bulks(users.iter().map(|user| &user.name));
    Ok(())
}

fn whoami(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.bulk(&call.session.user.name);
    Ok(())
}

fn dryrun(call: &mut Call<'_, '_>) -> Outcome {
    let (name, args) = (String::from_utf8_lossy(call.args.at(2)), call.args.from(3));
    let user = call.session.shared.acl.user(&name);
    let user = user.ok_or_else(|| Failure::made(format!("ERR User '{name}' not found")))?;
    let command = catalog().find(args.at(0)).and_then(|one| match one.contained(args.at(1)) {
        Container::Plain => Some(one),
        Container::Has(subcommand) => Some(subcommand),
        Container::HasNot => None,
    });
    let command = command.ok_or_else(|| {
        let name = String::from_utf8_lossy(args.at(0));
        Failure::made(format!("ERR Command '{name}' not found"))
    })?;
    if !command.spec.takes(args.len()) {
        return Err(Failure::made(Failure::Arity.wire_text(&command.name).into_owned()));
    }
    match user.check(command, args) {
        Ok(()) => call.reply.ok(),
        Err(Denial::Command) => {
            let name = &command.name;
            call.reply.bulk(format!("This user has no permissions to run the '{name}' command"));
        }
        Err(Denial::Key(key)) => {
            let key = String::from_utf8_lossy(&key);
            call.reply.bulk(format!("This user has no permissions to access the '{key}' key"));
        }
    }
    Ok(())
}

fn genpass(call: &mut Call<'_, '_>) -> Outcome {
    const DEFAULT_BITS: i64 = 256;
    const MOST_BITS: i64 = 4096;
    let bits = match call.args.get(2) {
        None => DEFAULT_BITS,
        Some(_) if call.args.len() > 3 => return Err(Failure::Arity),
        Some(bits) => parse_integer(bits).ok_or(Failure::NOT_AN_INTEGER)?,
    };
    if !(1..=MOST_BITS).contains(&bits) {
        return Err(Failure::text(
            "ERR ACL GENPASS argument must be the number of bits for the output password, a \
             positive number up to 4096",
        ));
    }
    let digits = usize::try_from(bits).unwrap_or(0).div_ceil(4);
    let mut bytes = vec![0; digits.div_ceil(2)];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|error| Failure::made(format!("ERR no random numbers: {error}")))?;
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.truncate(digits);
    call.reply.bulk(text);
    Ok(())
}

/// What was denied is counted as an error, and not kept.
fn log(call: &mut Call<'_, '_>) -> Outcome {
    match call.args.get(2) {
        Some(word) if is_word(word, "reset") => call.reply.ok(),
        Some(word) if parse_integer(word).is_none() => return Err(Failure::NOT_AN_INTEGER),
        _ => call.reply.array(0),
    }
    Ok(())
}

fn no_file(_: &mut Call<'_, '_>) -> Outcome {
    Err(Failure::text(
        "ERR This Redis instance is not configured to use an ACL file. You may want to specify users \
         via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis \
         configuration file set) in order to store users in the Redis configuration.",
    ))
}

/// Why a user is refused, for the error reply.
pub(crate) fn denial_text(command: &super::Command, denial: &Denial) -> String {
    match denial {
        Denial::Command => {
            format!("NOPERM this user has no permissions to run the '{}' command", command.name)
        }
        Denial::Key(_) => "NOPERM this user has no permissions to access one of the keys used as \
                           arguments"
            .to_owned(),
    }
}
