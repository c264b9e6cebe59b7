//! The experiments a rule may ask for, as data: their parts, and the senses they rest on.

use netcheck_os::Sense;
use netcheck_os::sense::Senses;

/// A control experiment. Each is made at most once a run for its address, port and content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Experiment {
    /// Which hops answer SYNs.
    Trail,
    /// Which other ports of the address answer.
    Siblings,
    /// Where packets for this port stop, and those for another port do not.
    Boundary,
    /// Whether anything beyond the first hop answers.
    Outside,
    /// Which router is at a distance.
    Router,
    /// From how far away a SYN draws its answer.
    Distance,
    /// Whether something nearer than the service accepts connections.
    Interceptor,
    /// Whether a SYN is accepted that cannot arrive.
    AcceptedShort,
    /// What a small ClientHello with another name draws.
    OtherName,
    /// Whether the same ClientHello with another name is answered.
    SameHelloOtherName,
    /// How far the ClientHello gets.
    HelloWalk,
    /// Where the part of the ClientHello stops that is lost.
    HelloPlace,
    /// Which property of the ClientHello decides.
    HelloForm,
    /// What a server chooses from older parameters.
    OlderHello,
    /// From how far away the reset comes that a ClientHello draws.
    ResetDistance,
    /// The date that the host itself sends.
    Date,
    /// Whether the resolver answers anything.
    ResolverSanity,
    /// How far packets to the resolver get.
    ResolverPath,
    /// Whether a hop beyond the last one answers on the way to somebody else.
    HopBeyond,
    /// Which hops answer datagrams.
    DatagramTrail,
}

impl Experiment {
    /// The experiments that this one is made of.
    const fn parts(self) -> &'static [Experiment] {
        use Experiment as E;
        match self {
            E::Boundary => &[E::Trail, E::Siblings],
            E::Outside | E::ResolverPath => &[E::DatagramTrail, E::Trail],
            E::Interceptor => &[E::Trail, E::Router, E::Siblings, E::Distance],
            E::HelloWalk => &[E::Trail],
            E::HelloPlace => &[E::HelloWalk],
            E::HelloForm => &[E::OtherName, E::SameHelloOtherName, E::HelloWalk, E::HelloPlace],
            E::Trail
            | E::Siblings
            | E::Router
            | E::Distance
            | E::AcceptedShort
            | E::OtherName
            | E::SameHelloOtherName
            | E::OlderHello
            | E::ResetDistance
            | E::Date
            | E::ResolverSanity
            | E::HopBeyond
            | E::DatagramTrail => &[],
        }
    }

    /// The senses that it rests on itself, without its parts.
    const fn own_senses(self) -> Senses {
        use Experiment as E;
        match self {
            E::Trail => Senses::of(&[Sense::TcpIcmp]),
            E::Outside | E::HopBeyond => Senses::of(&[Sense::TcpIcmp, Sense::UdpIcmp]),
            E::Router | E::DatagramTrail => Senses::of(&[Sense::UdpIcmp]),
            E::Distance | E::ResetDistance => Senses::of(&[Sense::ResetDistance]),
            E::Interceptor => Senses::of(&[Sense::PeerSocket]),
            E::HelloWalk => Senses::of(&[Sense::Acked]),
            E::HelloForm | E::HelloPlace => Senses::of(&[Sense::SmallSegments]),
            E::Siblings
            | E::Boundary
            | E::AcceptedShort
            | E::OtherName
            | E::SameHelloOtherName
            | E::OlderHello
            | E::Date
            | E::ResolverSanity
            | E::ResolverPath => Senses::of(&[]),
        }
    }

    /// The senses that it rests on, those of its parts included.
    pub(crate) fn senses(self) -> Senses {
        self.parts().iter().fold(self.own_senses(), |known, part| known.with(part.senses()))
    }

    /// Whether an experiment is among `needs`, or a part of one of them.
    pub(crate) fn is_covered(self, needs: &[Experiment]) -> bool {
        needs.iter().any(|need| *need == self || self.is_covered(need.parts()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_experiment_covers_itself_and_the_parts_of_its_parts() {
        let of_form =
            [Experiment::HelloForm, Experiment::HelloPlace, Experiment::HelloWalk, Experiment::Trail];
        assert!(of_form.iter().all(|part| part.is_covered(&[Experiment::HelloForm])));
        assert!(!Experiment::HelloForm.is_covered(&[Experiment::HelloPlace]));
    }

    #[test]
    fn an_experiment_rests_on_the_senses_of_its_parts() {
        let all = [Sense::PeerSocket, Sense::TcpIcmp, Sense::UdpIcmp, Sense::ResetDistance];
        assert_eq!(Experiment::Interceptor.senses(), Senses::of(&all));
        assert_eq!(Experiment::Date.senses(), Senses::default());
    }
}
