//! A real web server in front of a WebSocket service: nginx, as it proxies, refuses and cuts.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test ends the test")]
#![expect(clippy::disallowed_methods, reason = "nginx is ready when its port answers")]

#[path = "wss/peer.rs"]
mod peer;

use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};

use netcheck_lab::pki::Authority;
use netcheck_lab::tool::Outcome;
use netcheck_lab::view::diagnosed;
use netcheck_lab::{Server, free_port};
use peer::{NAME, tool};
use tempfile::TempDir;

/// nginx inside TLS on one port and plain on another, before a WebSocket service of ours.
struct Nginx {
    child: Child,
    root: Authority,
    tls: u16,
    plain: u16,
    _service: Server,
    _dir: TempDir,
}

impl Nginx {
    fn start() -> Nginx {
        let (root, service) = (Authority::new("Lab Root"), Server::each(peer::echo));
        let leaf = root.leaf(&[NAME]);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().display().to_string();
        std::fs::write(dir.path().join("chain.pem"), leaf.chain_pem()).unwrap();
        std::fs::write(dir.path().join("key.pem"), leaf.key_pem()).unwrap();
        let (tls, plain) = (free_port(), free_port());
        let config = CONFIG
            .replace("DIR", &path)
            .replace("TLS", &tls.to_string())
            .replace("PLAIN", &plain.to_string())
            .replace("SERVICE", &service.port.to_string());
        let file = dir.path().join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new("/usr/sbin/nginx");
        command.args(["-p", &path, "-e", "stderr", "-c"]).arg(file).stderr(Stdio::null());
        let mut child = command.spawn().expect("nginx (packages.txt)");
        while TcpStream::connect((Ipv4Addr::LOCALHOST, plain)).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "nginx ended");
            std::thread::yield_now();
        }
        Nginx { child, root, tls, plain, _service: service, _dir: dir }
    }

    fn secure(&self, path: &str, args: &[&str]) -> Outcome {
        let pin = format!("{NAME}=127.0.0.1");
        let tool = tool(args).file("roots.pem", self.root.pem());
        tool.args(["--public-roots", "roots.pem", "--connect-to", &pin])
            .arg(format!("wss://{NAME}:{}{path}", self.tls))
            .run()
    }

    fn plain(&self, path: &str) -> Outcome {
        tool(&[]).arg(format!("ws://127.0.0.1:{}{path}", self.plain)).run()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const CONFIG: &str = "
daemon off;
master_process off;
error_log stderr crit;
pid DIR/pid;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path DIR/a; proxy_temp_path DIR/b; fastcgi_temp_path DIR/c; uwsgi_temp_path DIR/d; scgi_temp_path DIR/e;
    server {
        listen 127.0.0.1:PLAIN;
        listen 127.0.0.1:TLS ssl;
        ssl_certificate DIR/chain.pem;
        ssl_certificate_key DIR/key.pem;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
        proxy_set_header Host $host;
        location /socket { proxy_pass http://127.0.0.1:SERVICE; }
        location /short { proxy_pass http://127.0.0.1:SERVICE; proxy_read_timeout 1s; }
        location /secret { return 403; }
        location /page { return 200 'no socket here'; }
        location /down { proxy_pass http://127.0.0.1:1; }
    }
}
";

#[test]
fn real_nginx_proxies_a_websocket() {
    let nginx = Nginx::start();
    let outcome = nginx.secure("/socket", &["--count", "3", "--interval", "1", "--echo", "hello"]);
    let record = outcome.one();
    assert_eq!(record["verdict"], "pass", "{record}");
    assert_eq!(
        (&record["facts"]["pings"]["answered"], &record["facts"]["echo"]["bytes"]),
        (&3.into(), &5.into())
    );
    assert_eq!(nginx.plain("/socket").one()["verdict"], "pass");
}

#[test]
fn real_nginx_answers_in_the_services_place_and_is_the_service() {
    let nginx = Nginx::start();
    for (path, expected) in [
        ("/secret", "degraded ws.status service_refused service medium"),
        ("/nowhere", "degraded ws.status service_refused service medium"),
        ("/page", "degraded ws.upgrade_missing service_misconfigured service medium"),
        ("/down", "degraded ws.status service_down service medium"),
    ] {
        assert_eq!(diagnosed(&nginx.secure(path, &[])), expected, "{path}");
    }
    for (path, expected) in [
        ("/secret", "fail ws.status websocket_filter network low"),
        ("/nowhere", "degraded ws.status service_refused service low"),
        ("/page", "fail ws.upgrade_missing websocket_filter network low"),
        ("/down", "fail ws.status unknown unknown low"),
    ] {
        assert_eq!(diagnosed(&nginx.plain(path)), expected, "{path}");
    }
}

#[test]
fn real_nginx_cuts_what_is_idle_for_longer_than_its_read_timeout() {
    let nginx = Nginx::start();
    let outcome = nginx.secure("/short", &["--hold", "2.4", "--keepalive", "0.4"]);
    assert_eq!(diagnosed(&outcome), "degraded ws.idle_closed idle_timeout service high");
    let hold = &outcome.one()["facts"]["hold"];
    let cut = hold["cut_s"].as_f64().unwrap();
    assert!((0.9..1.8).contains(&cut), "{cut}");
    assert_eq!(hold["keepalive"].get("end"), None);
}
