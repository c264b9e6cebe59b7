//! NAT mapping behaviour, told from several servers of one run.

use std::net::SocketAddr;

use netcheck_lab::UdpServer;

use crate::answers::bound;
use crate::check;

/// Servers on addresses of their own that say what `mapped` says.
fn servers(mapped: &'static [&'static str]) -> Vec<UdpServer> {
    let server = |(index, mapped): (usize, &&'static str)| {
        let address: SocketAddr = format!("127.0.0.{}:0", index + 10).parse().unwrap();
        let mapped: SocketAddr = mapped.parse().unwrap();
        UdpServer::on(address, move |request, _| vec![bound(request, mapped)])
    };
    mapped.iter().enumerate().map(server).collect()
}

fn mapping(servers: &[UdpServer]) -> serde_json::Value {
    let targets: Vec<String> = servers.iter().map(|server| format!("stun://{}", server.addr)).collect();
    // The packets of one machine to 127.0.0.x leave from 127.0.0.1, so all share one local address.
    let mut args: Vec<&str> = vec!["--source", "127.0.0.1"];
    args.extend(targets.iter().map(String::as_str));
    let outcome = check(&args);
    assert_eq!(outcome.code, 0, "{outcome:#?}");
    outcome.records.last().unwrap()["facts"]["nat"].clone()
}

#[test]
fn one_public_port_for_all_servers_is_endpoint_independent() {
    let nat = mapping(&servers(&["203.0.113.5:4000", "203.0.113.5:4000"]));
    assert_eq!(nat["mapping"], "endpoint_independent");
    assert_eq!(nat["one_public_address"], true);
    assert_eq!(nat["servers"].as_array().unwrap().len(), 2);
}

#[test]
fn another_public_port_for_each_server_is_endpoint_dependent() {
    let nat = mapping(&servers(&["203.0.113.5:4000", "203.0.113.5:4001"]));
    assert_eq!(nat["mapping"], "endpoint_dependent");
    assert_eq!(nat["one_public_address"], true);
}

#[test]
fn two_public_addresses_are_told() {
    let nat = mapping(&servers(&["203.0.113.5:4000", "203.0.113.6:4000", "203.0.113.5:4000"]));
    assert_eq!(nat["one_public_address"], false);
    assert_eq!(nat["servers"].as_array().unwrap().len(), 3);
}

#[test]
fn all_servers_of_a_run_are_asked_from_one_port() {
    let servers: Vec<UdpServer> = [20, 21, 22]
        .map(|host| {
            UdpServer::on(format!("127.0.0.{host}:0").parse().unwrap(), |request, peer| {
                vec![bound(request, peer)]
            })
        })
        .into();
    let nat = mapping(&servers);
    assert_eq!(nat["mapping"], "none", "{nat:#}");
}

#[test]
fn the_same_server_many_times_at_once_is_answered_every_time() {
    let server = UdpServer::new(|request, peer| vec![bound(request, peer)]);
    let target = format!("stun://127.0.0.1:{}", server.port);
    let input = format!("{target}\n").repeat(500);
    let outcome = crate::tool().args(["--jobs", "128"]).stdin(input).run();
    assert_eq!((outcome.code, outcome.records.len()), (0, 500));
}
