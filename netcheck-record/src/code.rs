//! The failure codes: what a stage observed. Each doc comment is one entry of docs/CODES.md.

use crate::vocabulary::vocabulary;

vocabulary! {
    /// A failure code: the stage that failed, a dot, and how (docs/CODES.md).
    pub enum Code;
    /// The line or argument is not a target.
    /// - Seen: The parser rejects the text at the quoted place; no packet is sent.
    /// - Not: A failure of the network.
    /// - Acts: Whoever wrote the target: correct it.
    InputInvalid = "input.invalid",
    /// The name does not exist (RCODE 3).
    /// - Seen: The resolver answered the questions for A and AAAA with NXDOMAIN.
    /// - Not: `dns.no_address`, where the name exists without an address; `dns.timeout`, where nobody answers.
    /// - Acts: Whoever runs the resolver, if the name exists elsewhere; otherwise whoever wrote the name.
    DnsNxdomain = "dns.nxdomain",
    /// The name exists and has no address (NODATA).
    /// - Seen: The resolver answered without an error, and no A or AAAA record follows from the name.
    /// - Not: `dns.nxdomain`, where the name does not exist.
    /// - Acts: Whoever runs the resolver, if the name has an address elsewhere; otherwise the owner of the name.
    DnsNoAddress = "dns.no_address",
    /// The resolver failed (RCODE 2).
    /// - Seen: The resolver answered SERVFAIL; its extended error, if any, is in `facts.dns.extended_errors`.
    /// - Not: `dns.refused`, a decision of the resolver; `dns.timeout`, silence.
    /// - Acts: Whoever runs the resolver.
    DnsServfail = "dns.servfail",
    /// The resolver refuses to answer (RCODE 5), or answers with a code that means the same.
    /// - Seen: The resolver answered REFUSED, or an error code such as NOTIMP or NOTAUTH.
    /// - Not: `dns.servfail`, where the resolver tries and fails.
    /// - Acts: Whoever runs the resolver: let this machine ask.
    DnsRefused = "dns.refused",
    /// No resolver answered in time.
    /// - Seen: The questions over UDP, or over TCP after a truncated reply, drew nothing.
    /// - Not: `dns.unreachable`, where an error comes back at once.
    /// - Acts: The network team if packets to port 53 are dropped; otherwise whoever runs the resolver.
    DnsTimeout = "dns.timeout",
    /// No resolver can be reached: no route, or its port is closed.
    /// - Seen: The kernel has no route, or an ICMP error or a TCP reset came back.
    /// - Not: `dns.timeout`, where nothing comes back.
    /// - Acts: The owner of this machine for a wrong resolver address; otherwise the network team.
    DnsUnreachable = "dns.unreachable",
    /// The reply is not a DNS message that answers the question.
    /// - Seen: The bytes do not parse (RFC 1035), the question or the alias is another one, or the code is FORMERR.
    /// - Not: `dns.servfail`, which is a valid reply.
    /// - Acts: Whoever runs the resolver, or the device that rewrites its replies.
    DnsMalformed = "dns.malformed",
    /// No address of the reply can be used for a public name.
    /// - Seen: Every address is loopback, reserved or private (RFC 6890) without a genuine certificate behind it, or a known block page's.
    /// - Not: A name that is internal on purpose: give its address as the target.
    /// - Acts: Whoever runs the resolver.
    DnsBogon = "dns.bogon",
    /// This machine has no route to the address.
    /// - Seen: The kernel refused the socket: no route, or a rule that discards; no packet left.
    /// - Not: `tcp.net_unreachable`, which a router reports.
    /// - Acts: The owner of this machine: connect it to a network.
    RouteNone = "route.none",
    /// This machine refuses to send (EPERM or EACCES).
    /// - Seen: The kernel refused the packet (a filter, a sandbox, a routing rule), or its own ICMP error came back.
    /// - Not: `tcp.prohibited`, which another device reports.
    /// - Acts: The owner of this machine: change its own firewall.
    RouteDenied = "route.denied",
    /// The proxy itself cannot be reached.
    /// - Seen: The name of the proxy has no address, or the TCP or TLS connection to it failed; `facts.proxy.failure` has the code.
    /// - Not: `proxy.upstream`, where the proxy answers and cannot reach the destination.
    /// - Acts: Whoever runs the proxy, or the owner of this machine if the setting is wrong.
    ProxyUnreachable = "proxy.unreachable",
    /// The proxy did not answer in time.
    /// - Seen: The connection to the proxy opened, and CONNECT (or the SOCKS request) drew no answer.
    /// - Not: `tcp.timeout`, which needs no proxy.
    /// - Acts: Whoever runs the proxy.
    ProxyTimeout = "proxy.timeout",
    /// The proxy asks for credentials.
    /// - Seen: Status 407, or SOCKS authentication refused, and no credentials were given.
    /// - Not: `proxy.auth_refused`, where credentials were sent.
    /// - Acts: The owner of this machine: give credentials; or whoever runs the proxy: exempt the destination.
    ProxyAuthRequired = "proxy.auth_required",
    /// The proxy refuses this destination.
    /// - Seen: A status from 300 to 499 other than 407, one from 505 up, Squid's ERR_ACCESS_DENIED, or SOCKS reply 2.
    /// - Not: `proxy.upstream`, where the proxy tries and fails.
    /// - Acts: Whoever runs the proxy: allow the destination.
    ProxyDenied = "proxy.denied",
    /// The proxy cannot reach the destination (500 to 504).
    /// - Seen: A status from 500 to 504 in answer to CONNECT, or a SOCKS reply 1, 3, 4, 5 or 6.
    /// - Not: `proxy.denied`, which is a policy.
    /// - Acts: Whoever runs the proxy, or the network team behind it.
    ProxyUpstream = "proxy.upstream",
    /// The answer of the proxy violates its protocol.
    /// - Seen: The bytes are not an HTTP response or a SOCKS reply.
    /// - Not: `proxy.timeout`, where nothing comes.
    /// - Acts: The owner of this machine if the proxy setting names something else; otherwise whoever runs the proxy.
    ProxyProtocol = "proxy.protocol",
    /// The proxy refused a credential or ticket that was sent.
    /// - Seen: A second 407 after Negotiate or Basic, or SOCKS authentication failed.
    /// - Not: `proxy.auth_required`, where none was sent.
    /// - Acts: Whoever runs the proxy; the user if the password is wrong.
    ProxyAuthRefused = "proxy.auth_refused",
    /// The proxy asks for credentials, and none can be made: no ticket, no password, no service principal.
    /// - Seen: Status 407 with a scheme that this machine cannot answer; `facts.proxy.auth` says why.
    /// - Not: `proxy.auth_refused`, where one was sent.
    /// - Acts: The owner of this machine: get a ticket; or whoever runs the directory.
    ProxyAuthImpossible = "proxy.auth_impossible",
    /// The PAC file cannot be fetched; browsers then connect directly.
    /// - Seen: The request for the file failed; `facts.proxy.pac` has the address and the fault.
    /// - Not: `proxy.pac_invalid`, where the file is there.
    /// - Acts: Whoever runs the proxy script.
    ProxyPacUnreachable = "proxy.pac_unreachable",
    /// The PAC file is no script, or its answer is no list of proxies; browsers then connect directly.
    /// - Seen: The script does not parse, throws, or returns something else.
    /// - Not: `proxy.pac_unreachable`, where there is no file.
    /// - Acts: Whoever runs the proxy script.
    ProxyPacInvalid = "proxy.pac_invalid",
    /// The PAC file or its evaluation did not end in time; browsers wait for it.
    /// - Seen: The fetch or the script ran into its limit.
    /// - Not: `proxy.timeout`, which is the proxy's own silence.
    /// - Acts: Whoever runs the proxy script.
    ProxyPacTimeout = "proxy.pac_timeout",
    /// The SYN was never answered.
    /// - Seen: No SYN-ACK, RST or ICMP error came within the time limit, retransmissions included.
    /// - Not: `tcp.refused` and `tcp.prohibited`, where an answer comes.
    /// - Acts: The network team in most cases; the cause says where the packets stop.
    TcpTimeout = "tcp.timeout",
    /// The SYN was answered by RST, or by ICMP port unreachable.
    /// - Seen: ECONNREFUSED; the distance of the sender is measured afterwards.
    /// - Not: `tcp.timeout`, where nothing answers.
    /// - Acts: The service if the RST comes from its own distance; otherwise the network team.
    TcpRefused = "tcp.refused",
    /// The open connection was reset.
    /// - Seen: RST after the handshake of TCP, before the check was done.
    /// - Not: `tls.reset`, where it happens during the TLS handshake.
    /// - Acts: The network team, or the service; the cause says which.
    TcpReset = "tcp.reset",
    /// A device reports: administratively prohibited.
    /// - Seen: ICMP 3/9, 3/10 or 3/13, or ICMPv6 1/1, 1/5 or 1/6; its sender is `cause.near`.
    /// - Not: `tcp.host_unreachable`, which is a missing route or host.
    /// - Acts: The network team: the device that sent the message has the rule.
    TcpProhibited = "tcp.prohibited",
    /// A device reports: host unreachable.
    /// - Seen: ICMP 3/1 or ICMPv6 1/3, or no answer of the neighbour on this network segment.
    /// - Not: `route.none`, which this machine itself decides.
    /// - Acts: The network team.
    TcpHostUnreachable = "tcp.host_unreachable",
    /// A device reports: network unreachable.
    /// - Seen: ICMP 3/0 or ICMPv6 1/0; `detail` and `cause.near` name its sender.
    /// - Not: `route.none`, which this machine itself decides.
    /// - Acts: The network team: a route is missing.
    TcpNetUnreachable = "tcp.net_unreachable",
    /// Something nearer than the service accepted the connection or answered the echo request; what is behind it was not reached.
    /// - Seen: The SYN-ACK comes from a distance where a router passes other packets on, or from this machine; an echo request of one hop is answered behind a tunnel.
    /// - Not: `tcp.refused`, where nobody accepts.
    /// - Acts: Whoever runs the intercepting device.
    TcpIntercepted = "tcp.intercepted",
    /// The TLS handshake received no more bytes.
    /// - Seen: The TCP connection opened, the ClientHello was sent, and no complete answer came.
    /// - Not: `tcp.timeout`, where the connection does not open.
    /// - Acts: The network team in most cases: a filter by name or protocol, or lost large packets.
    TlsTimeout = "tls.timeout",
    /// The connection was reset during the TLS handshake.
    /// - Seen: RST after the ClientHello was sent.
    /// - Not: `tls.closed`, an orderly close; `tls.alert`, an answer in TLS.
    /// - Acts: The network team in most cases: a filter by name.
    TlsReset = "tls.reset",
    /// The connection was closed during the TLS handshake.
    /// - Seen: FIN before the handshake was complete.
    /// - Not: `tls.reset`.
    /// - Acts: The network team or the service; the cause says which.
    TlsClosed = "tls.closed",
    /// The peer sent a TLS alert (RFC 8446 section 6).
    /// - Seen: A fatal alert record; `facts.tls.alert` has its number.
    /// - Not: `tls.not_tls`, where the answer is no TLS.
    /// - Acts: The service, or the device that answers for it.
    TlsAlert = "tls.alert",
    /// The peer does not speak TLS.
    /// - Seen: The first bytes of the answer are no TLS record, or a later one breaks the rules of TLS; `detail` says what came.
    /// - Not: `tls.alert`.
    /// - Acts: The network team if a device answers; otherwise whoever wrote the port.
    TlsNotTls = "tls.not_tls",
    /// The certificate chain ends in no trusted root.
    /// - Seen: The handshake is complete, and no root of the public or the system's store signs the chain.
    /// - Not: `tls.name_mismatch` and `tls.expired`, where the chain itself is trusted.
    /// - Acts: The network team if TLS is intercepted; otherwise the service.
    TlsUntrusted = "tls.untrusted",
    /// The certificate is for other names.
    /// - Seen: No subject alternative name matches the host (RFC 9525).
    /// - Not: `tls.untrusted`.
    /// - Acts: The network team if a device answers; otherwise the service.
    TlsNameMismatch = "tls.name_mismatch",
    /// The certificate has expired.
    /// - Seen: `notAfter` is in the past by this machine's clock.
    /// - Not: A wrong clock: the cause is then `clock_skew`.
    /// - Acts: The service, or the owner of this machine if its clock is wrong.
    TlsExpired = "tls.expired",
    /// The certificate is not valid yet.
    /// - Seen: `notBefore` is in the future by this machine's clock.
    /// - Not: `tls.expired`.
    /// - Acts: The owner of this machine in most cases: set the clock.
    TlsNotYetValid = "tls.not_yet_valid",
    /// There is no common TLS version (alert 70).
    /// - Seen: Alert protocol_version, or a version other than TLS 1.2 and 1.3.
    /// - Not: `tls.unsupported`, where another parameter is missing.
    /// - Acts: The service, or the device that answers for it.
    TlsVersion = "tls.version",
    /// There is no common ALPN protocol (alert 120).
    /// - Seen: The peer answered no_application_protocol.
    /// - Not: `tls.version`.
    /// - Acts: The service, or whoever chose `--alpn`.
    TlsAlpn = "tls.alpn",
    /// The server requires a TLS parameter that this tool does not implement.
    /// - Seen: An alert to our ClientHello, and an answer to a second one that lists older suites and groups; or a chain of more than 64 KiB.
    /// - Not: `tls.alert`, where the older ClientHello is refused too.
    /// - Acts: Nobody on the network: browsers may work.
    TlsUnsupported = "tls.unsupported",
    /// No HTTP response came in time, or too little of a download for playback.
    /// - Seen: The request was sent on an open connection and no complete response head came; or `facts.download` or `facts.upload` shows a rate that is too low.
    /// - Not: `tls.timeout`, which ends before the request.
    /// - Acts: The network team or the service; the cause says which.
    HttpTimeout = "http.timeout",
    /// The connection was reset before the HTTP response was complete.
    /// - Seen: RST after the request was sent.
    /// - Not: `http.closed`.
    /// - Acts: The network team in most cases.
    HttpReset = "http.reset",
    /// The connection was closed before the HTTP response was complete.
    /// - Seen: FIN after the request was sent.
    /// - Not: `http.reset`.
    /// - Acts: The network team or the service; the cause says which.
    HttpClosed = "http.closed",
    /// The answer is not HTTP.
    /// - Seen: The bytes do not parse as an HTTP/1.1 response.
    /// - Not: `http.status`, which is valid HTTP.
    /// - Acts: Whoever wrote the port, or the device that answers.
    HttpMalformed = "http.malformed",
    /// The HTTP status shows that the service cannot be used.
    /// - Seen: Status 403, 429, 451, 511 or 500 and above, or a known block page; `facts.http` has the status and the page.
    /// - Not: `proxy.denied`, which a configured proxy says.
    /// - Acts: Whoever runs the device or service that answered; the cause names it.
    HttpStatus = "http.status",
    /// Plain HTTP was redirected to another site.
    /// - Seen: A 3xx response whose `Location` has another host.
    /// - Not: A redirect to HTTPS of the same host, which passes.
    /// - Acts: The user: log in to the portal; or the network team.
    HttpRedirectForeign = "http.redirect_foreign",
    /// Status 407 from a proxy that nobody configured.
    /// - Seen: The response to a direct request is 407.
    /// - Not: `proxy.auth_required`, which a configured proxy says.
    /// - Acts: The network team: exempt the destination from the transparent proxy.
    HttpProxyAuth = "http.proxy_auth",
    /// No response to the WebSocket upgrade came in time.
    /// - Seen: The request with `Upgrade: websocket` was sent, and no response head came.
    /// - Not: `ws.no_pong`, which follows a successful upgrade.
    /// - Acts: The network team or the service; the cause says which.
    WsTimeout = "ws.timeout",
    /// The connection was reset during or after the upgrade.
    /// - Seen: RST after the upgrade request was sent.
    /// - Not: `ws.idle_closed`, which follows a quiet period.
    /// - Acts: The network team in most cases.
    WsReset = "ws.reset",
    /// The connection was closed during or after the upgrade.
    /// - Seen: FIN after the upgrade request was sent, or a Close frame that was not due.
    /// - Not: `ws.idle_closed`.
    /// - Acts: The network team or the service; the cause says which.
    WsClosed = "ws.closed",
    /// The upgrade was answered by an HTTP status other than 101.
    /// - Seen: `facts.status` has the number, `facts.headers` the rest.
    /// - Not: `ws.upgrade_missing`, where 101 or 200 lacks the headers.
    /// - Acts: The network team if a device answers; the service if it refuses the path.
    WsStatus = "ws.status",
    /// Status 101 without the upgrade headers, or a plain page with status 200.
    /// - Seen: The response lacks `Upgrade` or `Connection`: a device removed them, or never understood them.
    /// - Not: `ws.bad_accept`.
    /// - Acts: The network team: let WebSocket upgrades pass.
    WsUpgradeMissing = "ws.upgrade_missing",
    /// `Sec-WebSocket-Accept` is not the hash of our key (RFC 6455 section 4.2.2).
    /// - Seen: Status 101 with another value: the answer is cached or invented.
    /// - Not: `ws.upgrade_missing`.
    /// - Acts: Whoever runs the device that answered.
    WsBadAccept = "ws.bad_accept",
    /// A ping received no pong.
    /// - Seen: The upgrade succeeded, and no frame came back; other frames were tried.
    /// - Not: `ws.idle_closed`, where the connection ends.
    /// - Acts: The network team: frames are blocked after the upgrade.
    WsNoPong = "ws.no_pong",
    /// The idle connection was cut.
    /// - Seen: The connection ended, or stopped answering, during `--hold`; `facts.hold` has the second.
    /// - Not: `ws.closed`, which happens at once.
    /// - Acts: Whoever runs the device with the idle timeout: raise it.
    WsIdleClosed = "ws.idle_closed",
    /// The RTMP handshake received no more bytes.
    /// - Seen: C0 and C1 were sent, and S0, S1 or S2 did not come completely.
    /// - Not: `tls.timeout`, which ends before RTMP.
    /// - Acts: The network team in most cases: the protocol is filtered.
    RtmpTimeout = "rtmp.timeout",
    /// The connection was reset during RTMP.
    /// - Seen: RST after C0.
    /// - Not: `rtmp.closed`.
    /// - Acts: The network team in most cases.
    RtmpReset = "rtmp.reset",
    /// The connection was closed during RTMP.
    /// - Seen: FIN after C0.
    /// - Not: `rtmp.reset`; `rtmp.rejected`, which is an answer.
    /// - Acts: The network team or the service; the cause says which.
    RtmpClosed = "rtmp.closed",
    /// The peer does not speak RTMP.
    /// - Seen: The first byte is not an RTMP version; `facts.rtmp.speaks` says what it is.
    /// - Not: `rtmp.bad_version`.
    /// - Acts: The network team if a device answers; otherwise whoever wrote the port.
    RtmpNotRtmp = "rtmp.not_rtmp",
    /// S0 names an RTMP version other than 3.
    /// - Seen: `facts.rtmp.version` has the number.
    /// - Not: `rtmp.not_rtmp`, where the bytes are another protocol.
    /// - Acts: The service.
    RtmpBadVersion = "rtmp.bad_version",
    /// S2 does not repeat C1.
    /// - Seen: The 1,528 random bytes came back changed.
    /// - Not: `rtmp.not_rtmp`.
    /// - Acts: The network team: a device rewrites payloads.
    RtmpBadEcho = "rtmp.bad_echo",
    /// The server refused the application.
    /// - Seen: An `_error` answer to `connect`, or a status such as `NetConnection.Connect.Rejected`.
    /// - Not: `rtmp.closed`, which gives no reason.
    /// - Acts: The service: application or key; the path is open.
    RtmpRejected = "rtmp.rejected",
    /// Publishing stayed below its bitrate, or delivery paused.
    /// - Seen: `facts.publish` has throughput, the slowest two seconds, pauses and what limited them.
    /// - Not: `rtmp.timeout`, where nothing works.
    /// - Acts: The network team if the path limits it; the cause says who otherwise.
    RtmpSlow = "rtmp.slow",
    /// No datagram came back.
    /// - Seen: Every retransmission of the request went unanswered.
    /// - Not: `udp.refused` and `udp.prohibited`, where ICMP comes back.
    /// - Acts: The network team in most cases: UDP is dropped.
    UdpTimeout = "udp.timeout",
    /// ICMP port unreachable came back.
    /// - Seen: ECONNREFUSED on the socket; the sender is `cause.near` if it is another device.
    /// - Not: `udp.timeout`.
    /// - Acts: The service if the message is its own; otherwise the network team.
    UdpRefused = "udp.refused",
    /// A device reports: administratively prohibited, or unreachable.
    /// - Seen: ICMP 3/9, 3/10, 3/13 or another unreachable; its sender is `cause.near`.
    /// - Not: `udp.refused`.
    /// - Acts: The network team.
    UdpProhibited = "udp.prohibited",
    /// Packets of a series were lost.
    /// - Seen: `facts.quality` has the loss in percent and its burst ratio.
    /// - Not: `udp.timeout`, where all are lost.
    /// - Acts: The network team, or the provider of the line.
    UdpLossy = "udp.lossy",
    /// Delay, jitter or MOS of a series is outside its limit, and nothing was lost.
    /// - Seen: `facts.quality` has each figure.
    /// - Not: `udp.lossy`.
    /// - Acts: The network team, or the provider of the line.
    UdpQuality = "udp.quality",
    /// The STUN server answered with an error response.
    /// - Seen: `detail` has its number (RFC 8489 section 14.8).
    /// - Not: `udp.timeout`: the path works.
    /// - Acts: The service.
    StunError = "stun.error",
    /// MAPPED-ADDRESS and XOR-MAPPED-ADDRESS differ.
    /// - Seen: A device rewrote the plain address inside the payload.
    /// - Not: A NAT, which changes both in the same way.
    /// - Acts: The network team: turn the application-level gateway off.
    StunMismatch = "stun.mismatch",
    /// The reply is not a STUN message.
    /// - Seen: The magic cookie or the lengths are wrong.
    /// - Not: `stun.error`, which is valid STUN.
    /// - Acts: Whoever runs the device that answered.
    StunMalformed = "stun.malformed",
    /// A TURN error response that an Allocate without credentials should not receive, or one to valid credentials.
    /// - Seen: `facts.turn.error` has its number (RFC 8656 section 19).
    /// - Not: 401, the usual challenge, which passes.
    /// - Acts: The service.
    TurnError = "turn.error",
    /// The TURN server did not answer over TCP or TLS.
    /// - Seen: The connection opened, and Allocate received nothing.
    /// - Not: `udp.timeout`, the same over UDP.
    /// - Acts: The network team: the protocol is filtered.
    TurnTimeout = "turn.timeout",
    /// The connection was reset during TURN over TCP or TLS.
    /// - Seen: RST after Allocate was sent.
    /// - Not: `turn.closed`.
    /// - Acts: The network team in most cases.
    TurnReset = "turn.reset",
    /// The connection was closed during TURN over TCP or TLS.
    /// - Seen: FIN after Allocate was sent.
    /// - Not: `turn.reset`.
    /// - Acts: The network team or the service; the cause says which.
    TurnClosed = "turn.closed",
    /// The QUIC Initial was never answered.
    /// - Seen: No datagram came back within the time limit.
    /// - Not: `udp.prohibited`, where ICMP comes back.
    /// - Acts: The network team: UDP 443 is dropped. Browsers fall back to TCP.
    QuicTimeout = "quic.timeout",
    /// There is no common QUIC version.
    /// - Seen: A Version Negotiation packet without version 1.
    /// - Not: `quic.closed`.
    /// - Acts: The service.
    QuicVersion = "quic.version",
    /// The peer closed the QUIC connection.
    /// - Seen: A CONNECTION_CLOSE frame; `detail` has its code.
    /// - Not: `quic.timeout`.
    /// - Acts: The service, or the device that answers for it.
    QuicClosed = "quic.closed",
    /// No echo reply came.
    /// - Seen: Echo requests went unanswered.
    /// - Not: Proof of a block: many networks drop echo and pass everything else.
    /// - Acts: The network team, if echo is required.
    IcmpTimeout = "icmp.timeout",
    /// An ICMP error came instead of an echo reply.
    /// - Seen: Its type and its sender are in `detail`.
    /// - Not: `icmp.timeout`.
    /// - Acts: The network team.
    IcmpUnreachable = "icmp.unreachable",
    /// This user may open no ICMP socket here.
    /// - Seen: The kernel refused the socket: `net.ipv4.ping_group_range` excludes the group.
    /// - Not: A failure of the network: nothing was sent.
    /// - Acts: The owner of this machine.
    IcmpNotPermitted = "icmp.not_permitted",
    /// The address is outside the networks the service announces.
    /// - Seen: The address belongs to another owner; `facts.networks` has it.
    /// - Not: `dns.bogon`, which is a special block.
    /// - Acts: Whoever runs the resolver.
    PushWrongNetwork = "push.wrong_network",
    /// The answer is not the push service's own.
    /// - Seen: Status, headers or body differ from what the service always sends.
    /// - Not: `http.timeout`.
    /// - Acts: The network team: a device answers for the service.
    PushNotOrigin = "push.not_origin",
    /// The mail server did not answer in time.
    /// - Seen: The connection opened, and a reply did not come.
    /// - Not: `tcp.timeout`, where port 25 does not open.
    /// - Acts: The network team or the mail server's owner; the cause says which.
    SmtpTimeout = "smtp.timeout",
    /// The connection was reset during SMTP.
    /// - Seen: RST after the connection opened.
    /// - Not: `smtp.closed`.
    /// - Acts: The network team in most cases.
    SmtpReset = "smtp.reset",
    /// The connection was closed during SMTP, or the server said 421.
    /// - Seen: FIN before QUIT, or reply 421.
    /// - Not: `smtp.rejected`, a permanent refusal.
    /// - Acts: The mail server's owner.
    SmtpClosed = "smtp.closed",
    /// The mail server refuses for now (4xx).
    /// - Seen: A 4xx reply to MAIL FROM or RCPT TO, such as greylisting.
    /// - Not: `smtp.rejected`.
    /// - Acts: The mail server's owner: exempt the platform from greylisting.
    SmtpDeferred = "smtp.deferred",
    /// The mail server refuses (5xx).
    /// - Seen: A 5xx reply; `facts.smtp.recipient` has it.
    /// - Not: `smtp.deferred`; a refusal of this machine's own address, which is `inconclusive`.
    /// - Acts: The mail server's owner.
    SmtpRejected = "smtp.rejected",
    /// The mail server offers no STARTTLS.
    /// - Seen: The EHLO reply has no STARTTLS; mail would cross the network in the clear.
    /// - Not: `tls.not_tls`.
    /// - Acts: The mail server's owner, or the device that removes the extension.
    SmtpNoStarttls = "smtp.no_starttls",
    /// The sending domain has no SPF record.
    /// - Seen: The TXT answer has no record that begins with `v=spf1`.
    /// - Not: `mail.spf_excludes`.
    /// - Acts: The owner of the sending domain.
    MailNoSpf = "mail.no_spf",
    /// The SPF record does not cover the sending address.
    /// - Seen: The evaluation (RFC 7208) ends in fail, softfail, neutral or permerror.
    /// - Not: `mail.no_spf`.
    /// - Acts: The owner of the sending domain.
    MailSpfExcludes = "mail.spf_excludes",
    /// There is no DKIM key, or no DKIM signature.
    /// - Seen: The selector has no key in the DNS, or the message has no `DKIM-Signature`.
    /// - Not: `mail.dkim_invalid`.
    /// - Acts: The owner of the sending domain.
    MailNoDkim = "mail.no_dkim",
    /// The DKIM key or signature is not valid.
    /// - Seen: The key does not parse or is too short, or the signature does not verify.
    /// - Not: `mail.body_changed`, where only the body differs.
    /// - Acts: The owner of the sending domain.
    MailDkimInvalid = "mail.dkim_invalid",
    /// The body was changed after it was signed.
    /// - Seen: The body hash differs, the signature of the header is valid.
    /// - Not: `mail.dkim_invalid`.
    /// - Acts: Whoever runs the mail gateway: deliver the message unchanged.
    MailBodyChanged = "mail.body_changed",
    /// Reverse and forward names of the mail host disagree.
    /// - Seen: The PTR name does not resolve to the address again.
    /// - Not: `mail.spf_excludes`.
    /// - Acts: The owner of the sending address.
    MailPtrMismatch = "mail.ptr_mismatch",
    /// The message took longer than allowed.
    /// - Seen: `facts.message.slowest` has the hop and its seconds.
    /// - Not: `mail.undated`, where clocks contradict each other.
    /// - Acts: Whoever runs the slowest hop.
    MailDelayed = "mail.delayed",
    /// The mail host has another address than the published one.
    /// - Seen: The DNS, or the host that handed the message over, has an address other than the one in the target.
    /// - Not: `dns.bogon`.
    /// - Acts: Whoever runs the resolver, or the owner of the profile.
    MailAddressMismatch = "mail.address_mismatch",
    /// The receiving side filed the message as junk, or its authentication failed.
    /// - Seen: Headers of the receiving side; `facts.message.junk` lists them.
    /// - Not: `mail.delayed`.
    /// - Acts: Whoever runs the mail gateway: allow the sender.
    MailJunk = "mail.junk",
    /// The delay cannot be computed: clocks contradict each other, or dates are missing.
    /// - Seen: `Received` fields whose times run backwards or do not parse.
    /// - Not: `mail.delayed`.
    /// - Acts: Nobody; send another message.
    MailUndated = "mail.undated",
    /// The file is not one complete message as it was received.
    /// - Seen: `facts.message.incomplete` says what is missing.
    /// - Not: A failure of the network.
    /// - Acts: Whoever saved the file: save the original with all headers.
    MailIncomplete = "mail.incomplete",
    /// The tool itself failed on one target.
    /// - Seen: A panic, caught; the other targets are checked as usual.
    /// - Not: A failure of the network.
    /// - Acts: The authors of netcheck: report it.
    Internal = "internal",
}

impl Code {
    /// The part before the dot: the stage that failed.
    #[must_use]
    pub fn layer(self) -> &'static str {
        self.as_str().split('.').next().unwrap_or_default()
    }
}
