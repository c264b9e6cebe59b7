//! The hub: it takes the runs of offices, keeps them in JetStream, judges and shows. It keeps nothing itself: any number
//! of hubs may run beside each other.

mod answer;
mod board;
mod caller;
mod config;
mod follow;
mod metrics;
mod offices;
mod page;
mod rates;
mod report;
mod runs;
mod show;
mod state;
mod store;
mod tls;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::{delete, get, post, put};
use clap::Args as ClapArgs;
use tokio::sync::broadcast;

use config::Config;
use state::Hub;
use store::Store;

/// Take the runs of offices and show which of them work
#[derive(ClapArgs, Debug)]
pub struct Args {
    /// The configuration, as `netcheck fleet init` writes it
    #[arg(long, value_name = "FILE", default_value = "hub.toml")]
    config: PathBuf,
}

/// Runs the command until a signal ends it.
///
/// # Errors
/// The configuration, the broker or the address cannot be used.
pub fn run(args: &Args) -> Result<u8, String> {
    let config = Config::read(&args.config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| format!("the system gives no event loop: {why}"))?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> Result<u8, String> {
    let store = Store::open(&config).await?;
    let listener = tls::Listener::bind(&config).await?;
    let (changes, _) = broadcast::channel(1024);
    let hub = Arc::new(Hub { config, store, board: Mutex::default(), rates: Mutex::default(), changes });
    // The page shows nothing before everything that is stored was read.
    follow::follow(&hub).await?;
    crate::say(&format!("the hub listens at {}", listener.address()));
    let served = axum::serve(listener, routes(Arc::clone(&hub)));
    tokio::select! {
        ended = served => ended.map(|()| 0).map_err(|why| why.to_string()),
        signal = netcheck_common::os::stop::signal(true) => Ok(128 + signal),
    }
}

fn routes(hub: Arc<Hub>) -> Router {
    Router::new()
        .route("/", get(page::matrix))
        .route("/healthz", get(show::health))
        .route("/metrics", get(metrics::show))
        .route("/v1/enroll", post(offices::enroll))
        .route("/v1/tokens", post(offices::token))
        .route("/v1/offices/{tenant}/{office}", delete(offices::revoke))
        .route("/v1/plan", get(offices::plan).put(offices::replace_plan))
        .route("/v1/runs/{id}", put(runs::take))
        .route("/v1/refused", post(runs::refused))
        .route("/v1/matrix", get(show::matrix))
        .route("/v1/shared", get(show::shared))
        .route("/v1/events", get(show::events))
        .route("/v1/history/{tenant}/{office}/{requirement}", get(show::history))
        .route("/v1/records/{sequence}", get(show::records))
        .route("/v1/audit/{tenant}", get(show::audit))
        .fallback(answer::nothing)
        .with_state(hub)
}
