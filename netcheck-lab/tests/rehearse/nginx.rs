//! A real nginx before a WebSocket service, with the times after which it ends connections; it also takes streams and serves files.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use netcheck_lab::world::listening;
use netcheck_lab::{Server, free_port};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::echo;

/// It ends with its test.
pub struct Nginx {
    child: Child,
    /// HTTP, proxied to the service.
    pub http: u16,
    /// TCP, passed on to the service.
    pub stream: u16,
    /// RTMP, the application `live`.
    pub rtmp: u16,
    /// HTTP, the files of `files`.
    pub files: u16,
    /// Holds `files`.
    pub dir: TempDir,
    _service: Server,
}

impl Nginx {
    /// Starts it; `http` are directives of the HTTP proxy, `stream` those of the TCP proxy.
    pub fn start(http: &str, stream: &str) -> Nginx {
        let service = Server::each(echo);
        let dir = tempfile::tempdir().unwrap();
        let ports = [free_port(), free_port(), free_port(), free_port()];
        fs::create_dir(dir.path().join("files")).unwrap();
        let config = configuration(dir.path(), ports, service.port, http, stream);
        fs::write(dir.path().join("nginx.conf"), config).unwrap();
        let child = Command::new("nginx")
            .arg("-p")
            .arg(dir.path())
            .arg("-c")
            .arg(dir.path().join("nginx.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx (packages.txt)");
        for port in ports {
            listening(([127, 0, 0, 1], port).into()).unwrap();
        }
        let [http, stream, rtmp, files] = ports;
        Nginx { child, http, stream, rtmp, files, dir, _service: service }
    }

    /// Has it read its configuration again: its old worker ends the connections it still has.
    pub fn reload(&self) {
        kill(self.pid(), Signal::SIGHUP).unwrap();
    }

    /// Waits until so many connections to that port of it are open.
    pub fn wait_for_connections(&self, port: u16, count: usize) {
        let own = format!("0100007F:{port:04X} ");
        let open = || {
            let table = fs::read_to_string("/proc/net/tcp").unwrap();
            table
                .lines()
                .filter(|line| {
                    let fields: Vec<&str> = line.split_whitespace().collect();
                    line.contains(&own)
                        && fields.get(1).is_some_and(|local| own.starts_with(local))
                        && fields.get(3) == Some(&"01")
                })
                .count()
        };
        while open() < count {
            thread::yield_now();
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers.
        let _ = kill(self.pid(), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

fn configuration(dir: &Path, ports: [u16; 4], service: u16, http: &str, stream: &str) -> String {
    let dir = dir.display();
    let modules = "/usr/lib/nginx/modules";
    let [http_port, stream_port, rtmp, files] = ports;
    format!(
        "load_module {modules}/ngx_rtmp_module.so;
load_module {modules}/ngx_stream_module.so;
user root; daemon off; worker_processes 1; worker_shutdown_timeout 1s;
pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 512; }}
rtmp {{ server {{ listen 127.0.0.1:{rtmp}; application live {{ live on; }} }} }}
http {{
  access_log off;
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; }}
  server {{
    listen 127.0.0.1:{http_port};
    location / {{
      proxy_pass http://127.0.0.1:{service}; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_set_header Host $host;
      {http}
    }}
  }}
  server {{ listen 127.0.0.1:{files}; root {dir}/files; }}
}}
stream {{ server {{ listen 127.0.0.1:{stream_port}; proxy_pass 127.0.0.1:{service}; {stream} }} }}
"
    )
}
