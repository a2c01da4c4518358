//! COMMAND: the rows, told to clients.

use super::{
    Call, Command, CommandSpec, Failure, catalog,
    spec::{Find, KeySpec, category, flag, names_of, row},
    words::{Outcome, integer, is_word},
};
use crate::protocol::{Arguments, Reply};
use memory_cache_pool::Pattern;

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[row(
    "command",
    -1,
    flag::LOADING | flag::STALE,
    container,
)
.categories(category::CONNECTION)
.tips(&["nondeterministic_output_order"])
.doc(
    "server",
    "2.8.13",
    "O(N) where N is the total number of Redis commands",
    "Get array of Redis command details",
)
.subcommands(&[
    row("count", 2, flag::LOADING | flag::STALE, count).categories(category::CONNECTION).doc(
        "server",
        "2.8.13",
        "O(1)",
        "Get total number of Redis commands",
    ),
    row("docs", -2, flag::LOADING | flag::STALE, docs)
        .categories(category::CONNECTION)
        .tips(&["nondeterministic_output_order"])
        .doc(
            "server",
            "7.0.0",
            "O(N) where N is the number of commands to look up",
            "Get array of specific Redis command documentation",
        ),
    row("getkeys", -4, flag::LOADING | flag::STALE, getkeys).categories(category::CONNECTION).doc(
        "server",
        "2.8.13",
        "O(N) where N is the number of arguments to the command",
        "Extract keys given a full Redis command",
    ),
    row("help", 2, flag::LOADING | flag::STALE, help).categories(category::CONNECTION).doc(
        "server",
        "5.0.0",
        "O(1)",
        "Show helpful text about the different subcommands",
    ),
    row("info", -2, flag::LOADING | flag::STALE, info)
        .categories(category::CONNECTION)
        .tips(&["nondeterministic_output_order"])
        .doc(
            "server",
            "2.8.13",
            "O(N) where N is the number of commands to look up",
            "Get array of specific Redis command details, or all when no argument is given.",
        ),
    row("list", -2, flag::LOADING | flag::STALE, list)
        .categories(category::CONNECTION)
        .tips(&["nondeterministic_output_order"])
        .doc(
            "server",
            "7.0.0",
            "O(N) where N is the total number of Redis commands",
            "Get an array of Redis command names",
        ),
])];

/// A container by itself: only COMMAND means something alone.
pub(super) fn container(call: &mut Call<'_, '_>) -> Outcome {
    if call.command.name != "command" {
        return Err(Failure::Arity);
    }
    let commands = &catalog().commands;
    call.reply.array(commands.len());
    commands.iter().for_each(|command| describe(call.reply, command));
    Ok(())
}

/// HELP of every container: its subcommands, from the rows.
pub(super) fn help(call: &mut Call<'_, '_>) -> Outcome {
    let Some(container) = catalog().find(call.args.at(0)) else { return Ok(()) };
    let name = container.name.to_ascii_uppercase();
    let mut lines =
        vec![format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")];
    for command in &container.subcommands {
        lines.push(command.spec.name.to_ascii_uppercase());
        lines.push(format!("    {}", command.spec.summary));
    }
    call.reply.lines(&lines);
    Ok(())
}

fn count(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.count(catalog().commands.len());
    Ok(())
}

fn info(call: &mut Call<'_, '_>) -> Outcome {
    if call.args.len() == 2 {
        let commands = &catalog().commands;
        call.reply.array(commands.len());
        commands.iter().for_each(|command| describe(call.reply, command));
        return Ok(());
    }
    call.reply.array(call.args.len() - 2);
    for name in call.args.iter().skip(2) {
        match catalog().find_full(name) {
            Some(command) => describe(call.reply, command),
            None => call.reply.null(),
        }
    }
    Ok(())
}

/// The ten facts about a command.
fn describe(reply: &mut Reply<'_>, command: &Command) {
    let spec = command.spec;
    let (first, last, step) = key_range(spec);
    reply.array(10);
    reply.bulk(&command.name);
    reply.integer(i64::from(spec.arity));
    simple_set(reply, names_of(spec.flags, &flag::NAMES).map(str::to_owned));
    reply.integer(first);
    reply.integer(last);
    reply.integer(step);
    let categories = names_of(spec.all_categories(), &category::NAMES);
    simple_set(reply, categories.map(|name| format!("@{name}")));
    reply.set(spec.tips.len());
    spec.tips.iter().for_each(|tip| reply.bulk(tip));
    reply.set(spec.keys.len());
    spec.keys.iter().for_each(|keys| describe_keys(reply, keys));
    reply.set(command.subcommands.len());
    command.subcommands.iter().for_each(|subcommand| describe(reply, subcommand));
}

fn simple_set(reply: &mut Reply<'_>, names: impl Iterator<Item = String>) {
    let names: Vec<_> = names.collect();
    reply.set(names.len());
    names.iter().for_each(|name| reply.simple(name));
}

/// First key, last key and step, as clients of old read them.
fn key_range(spec: &CommandSpec) -> (i64, i64, i64) {
    let ranges = spec.keys.iter().filter_map(|keys| match keys.find {
        Find::Range { last, step } => {
            let begin = i64::try_from(keys.begin).unwrap_or(0);
            let last = i64::from(last);
            let last = if last < 0 { last } else { begin + last };
            Some((begin, last, i64::try_from(step).unwrap_or(1)))
        }
        Find::Counted => None,
    });
    ranges.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1), all.2)).unwrap_or((0, 0, 0))
}

fn describe_keys(reply: &mut Reply<'_>, keys: &KeySpec) {
    let integer = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    reply.map(3);
    reply.bulk("flags");
    simple_set(reply, keys.flags.iter().map(|flag| (*flag).to_owned()));
    reply.bulk("begin_search");
    reply.map(2);
    reply.bulk("type");
    reply.bulk("index");
    reply.bulk("spec");
    reply.map(1);
    reply.bulk("index");
    reply.integer(integer(keys.begin));
    reply.bulk("find_keys");
    reply.map(2);
    reply.bulk("type");
    let (name, facts) = match keys.find {
        Find::Range { last, step } => {
            let facts = [("lastkey", i64::from(last)), ("keystep", integer(step)), ("limit", 0)];
            ("range", facts)
        }
        Find::Counted => ("keynum", [("keynumidx", 0), ("firstkey", 1), ("keystep", 1)]),
    };
    reply.bulk(name);
    reply.bulk("spec");
    reply.map(facts.len());
    for (fact, number) in facts {
        reply.bulk(fact);
        reply.integer(number);
    }
}

fn docs(call: &mut Call<'_, '_>) -> Outcome {
    let commands: Vec<_> = if call.args.len() == 2 {
        catalog().commands.clone()
    } else {
        call.args.iter().skip(2).filter_map(|name| catalog().find_full(name)).collect()
    };
    call.reply.map(commands.len());
    commands.iter().for_each(|command| document(call.reply, command));
    Ok(())
}

fn document(reply: &mut Reply<'_>, command: &Command) {
    let spec = command.spec;
    let facts = [
        ("summary", spec.summary),
        ("since", spec.since),
        ("group", spec.group),
        ("complexity", spec.complexity),
    ];
    let known = facts.iter().filter(|(_, text)| !text.is_empty());
    reply.bulk(&command.name);
    reply.map(known.clone().count() + usize::from(!command.subcommands.is_empty()));
    for (fact, text) in known {
        reply.bulk(fact);
        reply.bulk(text);
    }
    if !command.subcommands.is_empty() {
        reply.bulk("subcommands");
        reply.map(command.subcommands.len());
        command.subcommands.iter().for_each(|subcommand| document(reply, subcommand));
    }
}

fn getkeys(call: &mut Call<'_, '_>) -> Outcome {
    let args = call.args.from(2);
    let command = catalog()
        .find(args.at(0))
        .map(|command| match command.contained(args.at(1)) {
            super::Container::Has(subcommand) => subcommand,
            super::Container::Plain | super::Container::HasNot => command,
        })
        .ok_or(Failure::text("ERR Invalid command specified"))?;
    if !command.spec.takes(args.len()) {
        return Err(Failure::text("ERR Invalid number of arguments specified for command"));
    }
    if command.spec.keys.is_empty() {
        return Err(Failure::text("ERR The command has no key arguments"));
    }
    let keys = command.try_keys_of(args);
    let keys = keys.ok_or(Failure::text("ERR Invalid arguments specified for command"))?;
    call.reply.bulks(keys.iter());
    Ok(())
}

impl Command {
    /// All keys among its arguments; none when their number makes no sense.
    fn try_keys_of<'a>(&self, args: Arguments<'a>) -> Option<Vec<&'a [u8]>> {
        let keys: Option<Vec<_>> = self.spec.keys.iter().map(|keys| keys_of(keys, args)).collect();
        keys.map(|keys| keys.concat())
    }

    /// All keys among its arguments, as far as these make sense.
    pub(crate) fn keys_of<'a>(&self, args: Arguments<'a>) -> Vec<&'a [u8]> {
        self.try_keys_of(args).unwrap_or_default()
    }
}

/// The keys among the arguments; none when their number makes no sense.
fn keys_of<'a>(keys: &KeySpec, args: Arguments<'a>) -> Option<Vec<&'a [u8]>> {
    let (first, last, step) = match keys.find {
        Find::Range { last, step } => {
            let last = match usize::try_from(last) {
                Ok(last) => keys.begin + last,
                Err(_) => args.len().checked_sub(usize::from(last.unsigned_abs()))?,
            };
            (keys.begin, last, step)
        }
        Find::Counted => {
            let count = usize::try_from(integer(args.at(keys.begin)).ok()?).ok()?;
            (keys.begin + 1, keys.begin.checked_add(count)?, 1)
        }
    };
    (first..=last).step_by(step).map(|at| args.get(at)).collect()
}

fn list(call: &mut Call<'_, '_>) -> Outcome {
    let words = call.args.from(2);
    let filters = ["module", "aclcat", "pattern"];
    let is_filter = words.len() == 3
        && is_word(words.at(0), "filterby")
        && filters.iter().any(|filter| is_word(words.at(1), filter));
    if !words.is_empty() && !is_filter {
        return Err(Failure::SYNTAX);
    }
    let value = String::from_utf8_lossy(words.at(2)).to_ascii_lowercase();
    let is_wanted = |command: &Command| match words.at(1) {
        b"" => true,
        word if is_word(word, "pattern") => {
            Pattern::new(value.as_bytes()).matches(command.name.as_bytes())
        }
        word if is_word(word, "aclcat") => {
            names_of(command.spec.all_categories(), &category::NAMES).any(|name| name == value)
        }
        _ => false,
    };
    let all = &catalog().all;
    let in_list = |command: &&&'static Command| {
        (is_filter || !command.name.contains('|')) && is_wanted(command)
    };
    let names: Vec<_> = all.iter().filter(in_list).map(|command| &command.name).collect();
    call.reply.bulks(names.iter().map(|name| name.as_bytes()));
    Ok(())
}
