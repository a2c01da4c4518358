//! MONITOR: every command, as it is carried out.

use super::{
    Call, CommandSpec,
    spec::{flag, row},
    words::Outcome,
};

/// The rows.
pub(super) const ROWS: &[CommandSpec] = &[row(
    "monitor",
    1,
    flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
    monitor,
)
.doc("server", "1.0.0", "", "Listen for all requests received by the server in real time")];

/// A client that is shown everything already gets no second reply, as in Redis.
fn monitor(call: &mut Call<'_, '_>) -> Outcome {
    let client = &call.session.client;
    if !client.is_monitor.is_raised() {
        call.reply.ok();
        call.session.shared.monitors.add(client);
    }
    Ok(())
}
