//! DEBUG: what tests of clients use; off unless `enable-debug-command yes`.

use super::{
    Call, CommandSpec, Failure,
    spec::{flag, row},
    words::{Outcome, is_word},
};
use crate::session::Next;
use std::time::Duration;

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[row(
    "debug",
    -2,
    flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
    debug,
)
.doc("server", "1.0.0", "Depends on subcommand.", "A container for debugging commands")];

fn debug(call: &mut Call<'_, '_>) -> Outcome {
    if call.session.shared.settings.get("enable-debug-command") == "no" {
        return Err(Failure::text(
            "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", \
             you can run it from a local connection, otherwise you need to set this option in the \
             configuration file, and then restart the server.",
        ));
    }
    let word = call.args.at(1);
    if is_word(word, "sleep") && call.args.len() == 3 {
        let seconds = std::str::from_utf8(call.args.at(2)).ok().and_then(|text| text.parse().ok());
        let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        call.session.next = Next::Sleep(time.unwrap_or_default());
    } else if is_word(word, "object") && call.args.len() == 3 {
        return object(call);
    } else if is_word(word, "set-active-expire") && call.args.len() == 3 {
        call.session.shared.keeps_expired.set(call.args.at(2) == b"0");
    } else {
        let word = String::from_utf8_lossy(word);
        return Err(Failure::made(format!(
            "ERR unknown subcommand or wrong number of arguments for '{word}'. Try DEBUG HELP."
        )));
    }
    call.reply.ok();
    Ok(())
}

/// What there is to know about a key, with the names that Redis's tests look for.
fn object(call: &mut Call<'_, '_>) -> Outcome {
    let (pool, key) = (&call.session.pool, call.args.at(2));
    let info = pool.key_info(key).ok_or(Failure::text("ERR no such key"))?;
    let encoding = pool.object_encoding(key).unwrap_or("raw");
    call.reply.simple(&format!(
        "Value at:0x0 refcount:1 encoding:{encoding} serializedlength:{} lru:0 lru_seconds_idle:{}",
        info.memory_estimate,
        info.idle.as_secs(),
    ));
    Ok(())
}
