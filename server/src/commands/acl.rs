//! ACL: there is the default user, who may do everything.

use super::{
    Call, CommandSpec, Failure, catalog,
    spec::{category, flag, names_of, row},
    words::Outcome,
};

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[row("acl", -2, flag::NONE, super::command::container)
    .doc(
        "server",
        "6.0.0",
        "Depends on subcommand.",
        "A container for Access List Control commands ",
    )
    .subcommands(&[
        row("cat", -2, flag::NOSCRIPT | flag::LOADING | flag::STALE, cat).doc(
            "server",
            "6.0.0",
            "O(1) since the categories and commands are a fixed set.",
            "List the ACL categories or the commands inside a category",
        ),
        row("getuser", 3, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, getuser).doc(
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
        row("list", 2, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, list).doc(
            "server",
            "6.0.0",
            "O(N). Where N is the number of configured users.",
            "List the current ACL rules in ACL config file format",
        ),
        row("users", 2, flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE, users).doc(
            "server",
            "6.0.0",
            "O(N). Where N is the number of configured users.",
            "List the username of all the configured ACL rules",
        ),
        row("whoami", 2, flag::NOSCRIPT | flag::LOADING | flag::STALE, whoami).doc(
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
    if !category::NAMES.contains(&wanted.as_str()) {
        return Err(Failure::made(format!("ERR Unknown category '{wanted}'")));
    }
    let is_in = |categories| names_of(categories, &category::NAMES).any(|name| name == wanted);
    let commands = catalog().all.iter().filter(|command| is_in(command.spec.all_categories()));
    let names: Vec<_> = commands.map(|command| command.name.as_str()).collect();
    call.reply.bulks(names.iter());
    Ok(())
}

fn getuser(call: &mut Call<'_, '_>) -> Outcome {
    if call.args.at(2) != b"default" {
        call.reply.null();
        return Ok(());
    }
    let is_guarded = call.session.shared.settings.is_guarded.is_raised();
    call.reply.map(6);
    call.reply.bulk("flags");
    call.reply.set(if is_guarded { 1 } else { 2 });
    call.reply.bulk("on");
    if !is_guarded {
        call.reply.bulk("nopass");
    }
    call.reply.bulk("passwords");
    call.reply.array(0);
    let rest = [("commands", "+@all"), ("keys", "~*"), ("channels", "&*")];
    for (name, value) in rest {
        call.reply.bulk(name);
        call.reply.bulk(value);
    }
    call.reply.bulk("selectors");
    call.reply.array(0);
    Ok(())
}

fn list(call: &mut Call<'_, '_>) -> Outcome {
    let is_guarded = call.session.shared.settings.is_guarded.is_raised();
    let password = if is_guarded { "" } else { "nopass " };
    call.reply.array(1);
    call.reply.bulk(format!("user default on {password}~* &* +@all"));
    Ok(())
}

fn users(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.array(1);
    call.reply.bulk("default");
    Ok(())
}

fn whoami(call: &mut Call<'_, '_>) -> Outcome {
    call.reply.bulk("default");
    Ok(())
}
