//! What one run of the tool shares among its targets.

use netcheck_common::target::Target;

use crate::control::Controls;
use crate::credentials::Credentials;
use crate::dscp::Marks;
use crate::mappings::Mappings;
use crate::media::MediaPlan;
use crate::quality::Bounds;
use crate::series::SeriesFlags;
use crate::transport::Rung;

/// What one run of the tool shares among its targets.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The controls and how they answered.
    pub controls: Controls,
    /// What STUN servers saw of us.
    pub mappings: Mappings,
    /// TURN_USERNAME and TURN_PASSWORD.
    pub credentials: Option<Credentials>,
    /// The series that was asked for.
    pub series: SeriesFlags,
    /// What a series has to reach.
    pub bounds: Bounds,
    /// The rungs of the media ladder, best first.
    pub ladder: Vec<Rung>,
    /// The DSCPs of series and of media over UDP.
    pub marks: Option<Marks>,
    /// The media that is sent through two relays.
    pub media: Option<MediaPlan>,
    /// Find the path MTU.
    pub mtu: bool,
    /// The ALPN protocols offered to `quic` targets.
    pub alpn: Vec<String>,
}

impl Run {
    /// The ALPN protocols a target is offered.
    pub fn alpn_of(&self, target: &Target) -> Vec<Vec<u8>> {
        match target.scheme.name {
            "h3" => vec![b"h3".to_vec()],
            _ => self.alpn.iter().map(|name| name.as_bytes().to_vec()).collect(),
        }
    }
}
