//! What a redirect asks for: the next request, without what must not go there. Pure.

use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, LOCATION};
use hyper::{Method, StatusCode};
use url::Url;

use crate::bindings::http::Error;
use crate::outbound::{Answer, Request};

/// The request that an answer redirects to; `None` if it does not redirect.
pub(super) fn next(request: &Request, answer: &Answer) -> Result<Option<Request>, Error> {
    let Some(location) = answer.headers.get(LOCATION) else { return Ok(None) };
    let method = match answer.status {
        // What browsers and everybody after them do: the answer to a form is read, not sent again.
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if request.method == Method::POST => {
            Method::GET
        }
        StatusCode::SEE_OTHER if request.method != Method::HEAD => Method::GET,
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => request.method.clone(),
        _ => return Ok(None),
    };
    let url = target(&request.url, location.as_bytes())?;
    let mut next = Request { method, url, ..request.clone() };
    if next.method != request.method {
        next.body.clear();
        next.headers.remove(CONTENT_TYPE);
    }
    if next.url.origin() != request.url.origin() {
        next.headers = without_credentials(&next.headers);
    }
    Ok(Some(next))
}

/// Where a redirect leads, if it may be followed.
fn target(from: &Url, location: &[u8]) -> Result<Url, Error> {
    let denied = |reason: &str| Error::Denied(format!("a redirect {reason}"));
    let url = std::str::from_utf8(location).ok().and_then(|location| from.join(location).ok());
    let Some(mut url) = url else { return Err(denied("leads to what is not a URL")) };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(denied("leads to a URL with a user name or a password"));
    }
    if from.scheme() == "https" && url.scheme() != "https" {
        return Err(denied("leads from https to what is not"));
    }
    url.set_fragment(None);
    Ok(url)
}

/// The headers that another origin may see.
fn without_credentials(headers: &HeaderMap) -> HeaderMap {
    let may_go = |name: &_, value: &hyper::header::HeaderValue| {
        !value.is_sensitive() && ![AUTHORIZATION, COOKIE].contains(name)
    };
    let headers = headers.iter().filter(|(name, value)| may_go(*name, value));
    headers.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn post(url: &str) -> Request {
        let mut secret = HeaderValue::from_static("canary");
        secret.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert("x-token", secret);
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer plain"));
        headers.insert(COOKIE, HeaderValue::from_static("a=b"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        headers.insert("x-plain", HeaderValue::from_static("kept"));
        Request { method: Method::POST, url: url.parse().unwrap(), headers, body: "body".into() }
    }

    fn answer(status: u16, location: &str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_str(location).unwrap());
        Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: "".into() }
    }

    fn followed(status: u16, location: &str) -> Request {
        next(&post("https://a.example/x"), &answer(status, location)).unwrap().unwrap()
    }

    fn refused(location: &str) -> String {
        match next(&post("https://a.example/x"), &answer(302, location)) {
            Err(Error::Denied(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_that_does_not_redirect_is_the_answer() {
        assert!(next(&post("https://a.example/"), &answer(201, "/new")).unwrap().is_none());
        assert!(next(&post("https://a.example/"), &answer(304, "/new")).unwrap().is_none());
    }

    #[test]
    fn a_redirect_of_a_form_is_read_without_its_body() {
        let next = followed(302, "/y");
        assert_eq!((next.method, next.url.as_str()), (Method::GET, "https://a.example/y"));
        assert!(next.body.is_empty() && !next.headers.contains_key(CONTENT_TYPE));
    }

    #[test]
    fn a_redirect_that_keeps_the_method_keeps_the_body() {
        let next = followed(307, "/y");
        assert_eq!((next.method, &next.body[..]), (Method::POST, b"body".as_slice()));
    }

    #[test]
    fn a_redirect_within_the_origin_keeps_the_headers() {
        assert_eq!(followed(307, "/y").headers, post("https://a.example/x").headers);
    }

    #[test]
    fn a_redirect_to_another_origin_carries_no_credentials() {
        for location in ["https://b.example/", "https://a.example:444/", "//b.example/"] {
            let next = followed(307, location);
            let names: Vec<_> = next.headers.keys().map(|name| name.as_str()).collect();
            assert_eq!(names, ["content-type", "x-plain"], "{location}");
        }
    }

    #[test]
    fn a_redirect_that_gives_up_tls_is_refused() {
        assert_eq!(refused("http://a.example/"), "a redirect leads from https to what is not");
        assert_eq!(refused("ftp://a.example/"), "a redirect leads from https to what is not");
    }

    #[test]
    fn a_redirect_with_a_password_in_it_is_refused() {
        assert!(refused("https://user@b.example/").contains("a user name or a password"));
    }
}
