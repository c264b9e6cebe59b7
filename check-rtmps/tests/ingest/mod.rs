//! A real ingest that nobody here wrote: nginx with its RTMP and stream modules, on loopback addresses of its own.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test ends the test")]
#![expect(clippy::disallowed_methods, reason = "the statistics are asked for by the test itself")]

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use netcheck_lab::pki::{Authority, Leaf};
use tempfile::TempDir;

/// The name its certificate is for.
pub const NAME: &str = "ingest.test";

/// A running nginx.
pub struct Ingest {
    /// Its address: RTMP on 1935, RTMPS on 10000-10050, HTTP inside TLS on 10100-10109, HTTP on 80.
    pub address: IpAddr,
    /// Holds its files, `roots.pem` and `record/` among them.
    pub dir: TempDir,
    /// Its certificate, for further servers at its address.
    pub leaf: Leaf,
    /// Keeps the address ours: no other test can hold the same port at the same time.
    _reserved: TcpListener,
}

impl Ingest {
    /// Starts nginx; `notify` is where it reports streams to.
    pub fn start(notify: SocketAddr) -> Ingest {
        let reserved = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let [high, low] = reserved.local_addr().unwrap().port().to_be_bytes();
        let address = IpAddr::from([127, 77, high, low.max(1)]);
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let authority = Authority::new("Lab Public Root");
        let leaf = authority.leaf(&[NAME]);
        std::fs::write(at("roots.pem"), authority.pem()).unwrap();
        std::fs::write(at("leaf.pem"), leaf.chain_pem()).unwrap();
        std::fs::write(at("leaf.key"), leaf.key_pem()).unwrap();
        std::fs::create_dir(at("record")).unwrap();
        std::fs::write(at("nginx.conf"), configuration(address, dir.path(), notify)).unwrap();
        // It listens before it goes into the background: when the command ends, the ports are open.
        let output = nginx(dir.path(), &[]);
        assert!(output.status.success(), "nginx: {}", String::from_utf8_lossy(&output.stderr));
        Ingest { address, dir, leaf, _reserved: reserved }
    }

    /// The arguments that let a check reach and trust it.
    pub fn args(&self) -> Vec<String> {
        let roots = self.dir.path().join("roots.pem");
        let pin = format!("{NAME}={}", self.address);
        ["--connect-to", &pin, "--public-roots", &roots.display().to_string()].map(str::to_owned).to_vec()
    }
}

/// What `/stat` of that server says.
pub fn statistics(server: SocketAddr) -> String {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.write_all(b"GET /stat HTTP/1.0\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

impl Drop for Ingest {
    fn drop(&mut self) {
        nginx(self.dir.path(), &["-s", "stop"]);
    }
}

fn nginx(dir: &Path, args: &[&str]) -> std::process::Output {
    let mut command = Command::new("nginx");
    command.arg("-p").arg(dir).arg("-c").arg(dir.join("nginx.conf")).args(args);
    command.output().expect("nginx is installed: packages.txt")
}

fn configuration(address: IpAddr, dir: &Path, notify: SocketAddr) -> String {
    let dir = dir.display();
    let modules = "/usr/lib/nginx/modules";
    format!(
        "load_module {modules}/ngx_rtmp_module.so;
load_module {modules}/ngx_stream_module.so;
master_process off;
pid {dir}/nginx.pid;
error_log {dir}/error.log info;
events {{ worker_connections 2048; }}
rtmp {{
  server {{
    listen {address}:1935;
    chunk_size 4096;
    notify_update_timeout 300ms;
    application live {{
      live on; record all; record_path {dir}/record;
      on_publish http://{notify}/publish; on_update http://{notify}/update; on_publish_done http://{notify}/done;
      on_record_done http://{notify}/recorded;
    }}
    application closed {{ live on; on_publish http://{notify}/deny; }}
  }}
}}
http {{
  access_log off;
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{ listen {address}:80; location /stat {{ rtmp_stat all; }} location / {{ return 403; }} }}
}}
stream {{
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_certificate {dir}/leaf.pem; ssl_certificate_key {dir}/leaf.key;
  server {{ listen {address}:10000-10050 ssl; proxy_pass {address}:1935; }}
  server {{ listen {address}:10100-10109 ssl; proxy_pass {address}:80; }}
}}
"
    )
}
