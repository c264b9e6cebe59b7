//! How a stage ended, whatever the protocol: what rules of several layers have in common.

use crate::failure::Code;

/// How a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeKind {
    /// Silence.
    Timeout,
    /// A reset.
    Reset,
    /// An orderly close, too early.
    Closed,
    /// RST to a SYN, or ICMP port unreachable.
    Refused,
    /// ICMP host or network unreachable, or a server that no packet reaches.
    Unreachable,
    /// ICMP administratively prohibited.
    Prohibited,
    /// This machine did not send: no route, or its own refusal.
    NotSent,
    /// The resolver answered, and the answer holds no usable address.
    Name,
    /// A certificate that convinces nobody, or not at this time, or not for this name.
    Certificate,
    /// Both sides have no version, protocol or parameter in common.
    Parameters,
    /// What came back is not the protocol that was spoken.
    Malformed,
    /// The peer answered in its protocol and said no.
    Rejected,
    /// Credentials are asked for, or were not accepted.
    Authentication,
    /// Somebody else than the service answered.
    Foreign,
    /// It works, and loses, delays or interrupts what passes.
    Quality,
    /// A mail identity or a received message is not as it should be.
    Mail,
    /// Nothing was observed: no target, no permission, or a bug of the tool.
    NotProbed,
}

impl Code {
    /// How the stage ended.
    #[must_use]
    pub const fn kind(self) -> CodeKind {
        match self {
            Code::DnsTimeout
            | Code::ProxyTimeout
            | Code::ProxyPacTimeout
            | Code::TcpTimeout
            | Code::TlsTimeout
            | Code::HttpTimeout
            | Code::WsTimeout
            | Code::RtmpTimeout
            | Code::UdpTimeout
            | Code::TurnTimeout
            | Code::QuicTimeout
            | Code::IcmpTimeout
            | Code::SmtpTimeout => CodeKind::Timeout,
            Code::TcpReset
            | Code::TlsReset
            | Code::HttpReset
            | Code::WsReset
            | Code::RtmpReset
            | Code::TurnReset
            | Code::SmtpReset => CodeKind::Reset,
            Code::TlsClosed
            | Code::HttpClosed
            | Code::WsClosed
            | Code::RtmpClosed
            | Code::TurnClosed
            | Code::QuicClosed
            | Code::SmtpClosed => CodeKind::Closed,
            Code::TcpRefused | Code::UdpRefused => CodeKind::Refused,
            Code::DnsUnreachable
            | Code::ProxyUnreachable
            | Code::ProxyPacUnreachable
            | Code::TcpHostUnreachable
            | Code::TcpNetUnreachable
            | Code::IcmpUnreachable => CodeKind::Unreachable,
            Code::TcpProhibited | Code::UdpProhibited => CodeKind::Prohibited,
            Code::RouteNone | Code::RouteDenied => CodeKind::NotSent,
            Code::DnsNxdomain
            | Code::DnsNoAddress
            | Code::DnsServfail
            | Code::DnsRefused
            | Code::DnsBogon => CodeKind::Name,
            Code::TlsUntrusted | Code::TlsNameMismatch | Code::TlsExpired | Code::TlsNotYetValid => {
                CodeKind::Certificate
            }
            Code::TlsVersion
            | Code::TlsAlpn
            | Code::TlsUnsupported
            | Code::RtmpBadVersion
            | Code::QuicVersion
            | Code::SmtpNoStarttls => CodeKind::Parameters,
            Code::DnsMalformed
            | Code::ProxyProtocol
            | Code::ProxyPacInvalid
            | Code::TlsNotTls
            | Code::HttpMalformed
            | Code::WsUpgradeMissing
            | Code::WsBadAccept
            | Code::RtmpNotRtmp
            | Code::RtmpBadEcho
            | Code::StunMismatch
            | Code::StunMalformed => CodeKind::Malformed,
            Code::ProxyDenied
            | Code::ProxyUpstream
            | Code::TlsAlert
            | Code::HttpStatus
            | Code::WsStatus
            | Code::RtmpRejected
            | Code::StunError
            | Code::TurnError
            | Code::SmtpDeferred
            | Code::SmtpRejected => CodeKind::Rejected,
            Code::ProxyAuthRequired
            | Code::ProxyAuthRefused
            | Code::ProxyAuthImpossible
            | Code::HttpProxyAuth => CodeKind::Authentication,
            Code::TcpIntercepted
            | Code::HttpRedirectForeign
            | Code::PushWrongNetwork
            | Code::PushNotOrigin => CodeKind::Foreign,
            Code::WsNoPong | Code::WsIdleClosed | Code::RtmpSlow | Code::UdpLossy | Code::UdpQuality => {
                CodeKind::Quality
            }
            Code::MailNoSpf
            | Code::MailSpfExcludes
            | Code::MailNoDkim
            | Code::MailDkimInvalid
            | Code::MailBodyChanged
            | Code::MailPtrMismatch
            | Code::MailDelayed
            | Code::MailAddressMismatch
            | Code::MailJunk
            | Code::MailUndated
            | Code::MailIncomplete => CodeKind::Mail,
            Code::InputInvalid | Code::IcmpNotPermitted | Code::Internal => CodeKind::NotProbed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_code_calls_itself_is_its_kind() {
        let named = [
            (".timeout", CodeKind::Timeout),
            (".reset", CodeKind::Reset),
            (".closed", CodeKind::Closed),
            (".refused", CodeKind::Refused),
            (".prohibited", CodeKind::Prohibited),
        ];
        let differs = Code::ALL.iter().filter(|code| {
            named.iter().any(|(end, kind)| code.as_str().ends_with(end) && code.kind() != *kind)
        });
        // A resolver that refuses has answered.
        assert_eq!(differs.collect::<Vec<_>>(), [&Code::DnsRefused]);
    }
}
