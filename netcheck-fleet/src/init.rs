//! `netcheck fleet init`: the configuration of broker and hub, with every key and token that they need.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use crate::key::{self, SecretKey, write_private};

/// Write the configuration of broker and hub
///
/// Nothing that exists is replaced. What has to be started is printed.
#[derive(ClapArgs, Debug)]
pub struct Args {
    /// One broker and one hub on one machine
    #[arg(long, required = true)]
    single: bool,
    /// Where the hub listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    listen: std::net::SocketAddr,
    /// Where the broker listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4222")]
    broker: std::net::SocketAddr,
    /// The folder, which is made
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A file exists, or cannot be written.
pub fn run(args: &Args) -> Result<u8, String> {
    let folder = &args.folder;
    fs::create_dir_all(folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    let absolute = folder.canonicalize().map_err(|why| format!("{}: {why}", folder.display()))?;
    let new = |name: &str, text: &str| {
        let path = folder.join(name);
        write_private(&path, text.as_bytes()).map_err(|why| format!("{}: {why}", path.display()))
    };
    let (password, operator) = (key::token()?, key::token()?);
    new("nats.conf", &broker(args, &absolute, &password))?;
    new("nats.credentials", &format!("hub\n{password}\n"))?;
    new("hub.toml", &hub(args, &operator))?;
    new("operator.token", &format!("{operator}\n"))?;
    let public = SecretKey::of_file(&folder.join("plan.key"))?.public();
    new("plan.pub", &format!("{public}\n"))?;
    let at = folder.display();
    crate::print(&format!(
        "{at} holds the broker's and the hub's configuration, an operator's token and the key of plans.\n\
         \n\
         Start the broker (nats-server 2.14 or newer) and the hub:\n  \
         nats-server --config {at}/nats.conf\n  \
         netcheck fleet hub --config {at}/hub.toml\n\
         \n\
         Hand out a plan and enrol an office:\n  \
         netcheck fleet plan --hub http://{listen} --token-file {at}/operator.token --plan-key {at}/plan.key \
         --tenant acme spotme\n  \
         netcheck fleet enroll --hub http://{listen} --token-file {at}/operator.token --plan-key {at}/plan.key \
         acme/zurich\n  \
         NETCHECK_FLEET_ENROLL=TOKEN netcheck fleet agent --hub http://{listen} --state agent --once\n\
         \n\
         Keep plan.key away from the hub: who has it tells every office what to check.\n\
         The page is at http://{listen}/; the password is the operator's token.\n",
        listen = args.listen
    ))?;
    Ok(0)
}

fn broker(args: &Args, folder: &Path, password: &str) -> String {
    format!(
        "# The broker: only the hub talks to it.\n\
         listen: \"{}\"\n\
         jetstream {{\n  store_dir: \"{}\"\n  sync_interval: always\n}}\n\
         authorization {{\n  users = [ {{ user: \"hub\", password: \"{password}\" }} ]\n}}\n",
        args.broker,
        folder.join("jetstream").display()
    )
}

fn hub(args: &Args, operator: &str) -> String {
    format!(
        "# The hub. Without certificate and key it speaks HTTP: put a proxy with TLS before it, or name them.\n\
         listen = \"{}\"\n\
         nats = [\"nats://{}\"]\n\
         nats_credentials = \"nats.credentials\"\n\
         replicas = 1\n\
         days = 30\n\
         # certificate = \"hub.crt\"\n\
         # key = \"hub.key\"\n\
         \n\
         [[operators]]\n\
         name = \"admin\"\n\
         role = \"admin\"\n\
         token_sha256 = \"{}\"\n",
        args.listen,
        args.broker,
        key::digest(operator.as_bytes())
    )
}
