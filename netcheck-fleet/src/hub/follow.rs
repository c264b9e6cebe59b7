//! Follows the broker: whichever hub stored a status, every hub's board has it.

use std::sync::Arc;

use futures_util::StreamExt;

use super::state::Hub;
use super::store::RUN;

/// Reads everything that is stored, then follows it for as long as the hub runs.
///
/// # Errors
/// The broker gives nothing.
pub(super) async fn follow(hub: &Arc<Hub>) -> Result<(), String> {
    let mut statuses = hub.store.statuses().await?;
    if hub.store.count().await? > 0 {
        while let Some(told) = statuses.next().await {
            let told = told?;
            netcheck_net::lock(&hub.board).take(&told);
            if told.pending == 0 {
                break;
            }
        }
    }
    let hub = Arc::clone(hub);
    tokio::spawn(async move {
        loop {
            while let Some(told) = statuses.next().await {
                match told {
                    Ok(told) => {
                        let new = netcheck_net::lock(&hub.board).take(&told);
                        if new && told.about == RUN {
                            let _ = hub.changes.send(told.office.to_string());
                        }
                    }
                    Err(why) => crate::say(&why),
                }
            }
            // The broker ended it: from the last ones on, again.
            match hub.store.statuses().await {
                Ok(again) => statuses = again,
                Err(why) => {
                    crate::say(&why);
                    netcheck_common::clock::pause(std::time::Duration::from_secs(1)).await;
                }
            }
        }
    });
    Ok(())
}
