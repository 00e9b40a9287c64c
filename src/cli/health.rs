//! `health`: whether the gateway that runs takes requests, for those who watch over containers and have no other program
//! to ask with.

use serde_json::Value;
use tokio::runtime::Builder;

use super::Exit;
use super::answer::{Answer, Failure};
use super::config::Common;
use super::serve::unavailable;
use crate::edge::health;

pub(super) fn run(common: &Common) -> Result<Answer, Failure> {
    let Some(address) = common.settings()?.ops.http else {
        let problem = "ops.http is not set in the settings, so the gateway that runs cannot be asked";
        return Err(Failure::Wrong(format!("{problem}: set it, and start the gateway anew")));
    };
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| unavailable(&error))?;
    let health = runtime.block_on(health::ask(address));
    let health = health.map_err(|error| Failure::Failed(format!("the gateway at {address} (ops.http): {error}")))?;
    let report: Value = serde_json::from_slice(&health.report)
        .map_err(|_| Failure::Failed(format!("what listens at {address} (ops.http) is no gateway")))?;
    let reasons: Vec<&str> =
        report.get("reasons").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let text = if health.ready { "ready" } else { "not ready" };
    let text = [&[text][..], &reasons].concat().join("\n");
    Answer::new(if health.ready { Exit::Yes } else { Exit::No }, text, &report)
}
