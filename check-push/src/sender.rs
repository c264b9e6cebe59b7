//! The sender side: one request without credentials, which only the service itself refuses in its own words.

use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::http::Request;
use netcheck_common::signature;
use netcheck_common::target::Target;
use netcheck_common::tls::{Secure, Trust};
use netcheck_common::trace::{Stopped, Trace};

use crate::facts::Facts;
use crate::origin::{self, Origin};
use crate::service::Service;

/// Asks, and judges the answer. What came through intact TLS is the service's doing, whatever it is.
///
/// # Errors
/// No answer, no HTTP/2, a block page, or an answer of somebody who opened TLS.
pub async fn ask(
    service: Service,
    target: &Target,
    secure: Secure,
    trace: &mut Trace<Facts>,
) -> Result<(), Stopped> {
    let net = trace.net();
    let genuine = secure.trust == Trust::Public;
    let work = async {
        // Apple's provider side speaks HTTP/2 alone; who does not is somebody else.
        if service == Service::Provider && secure.alpn.as_deref() != Some(b"h2") {
            return Err(Failure::new(Code::TlsAlpn, "HTTP/2 was not agreed on (ALPN h2)"));
        }
        let answer = net.request(secure.stream, &request(service, target)).await?;
        if answer.cut_short {
            // Who says it stands in the body.
            return Err(Failure::new(Code::HttpTimeout, "the body of the answer did not come"));
        }
        let page = signature::match_page(&answer).is_some();
        match origin::judge(service, &answer) {
            Origin::Foreign(failure) | Origin::Trouble(failure) if page || !genuine => Err(failure),
            Origin::Foreign(failure) if failure.code == Code::HttpProxyAuth => Err(failure),
            said => Ok(said),
        }
    };
    match trace.stage(Layer::HTTP, work).await? {
        Origin::Own(reason) => trace.facts.reason = Some(reason),
        Origin::Trouble(failure) | Origin::Foreign(failure) => {
            let cause = origin::cause(&failure, target);
            trace.degrade(failure, Some(cause));
        }
    }
    Ok(())
}

fn request(service: Service, target: &Target) -> Request {
    let mut request = Request::new("POST", &target.host, target.port(), true, &service.path());
    request.headers.push(("content-type".into(), "application/json".into()));
    request.body = b"{}".to_vec();
    request
}
