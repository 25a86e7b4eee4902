//! What the listeners for browsers have in common: their policy and headers, the host's own files, whose a request is
//! and where it comes from.

use axum::extract::RawQuery;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use cookie::Cookie;

use super::extract::Path;
use crate::gui::draw;

/// What a page may load: from this host alone, no script and no style but the host's files. `ancestors` are the origins
/// that may frame it, checked, or `'none'`.
pub(super) fn content_policy(ancestors: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    );
    // What was checked as origins is a header's value.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Adds what keeps a browser from guessing, telling and keeping.
pub(super) fn harden(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Stricter, and browsers would not say where a form comes from.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Sends a file of the host's own.
pub(super) async fn asset(Path(name): Path<String>, RawQuery(version): RawQuery) -> Response {
    let Some((content, media_type)) = draw::asset_bytes(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // With its digest in the address it never changes.
    let cache = match version {
        Some(_) => "public, max-age=31536000, immutable",
        None => "no-cache",
    };
    ([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, cache)], content).into_response()
}

/// The values of the cookies of this name: a browser may have one for each of several paths.
pub(super) fn cookies<'h>(
    headers: &'h HeaderMap,
    name: &'static str,
) -> impl Iterator<Item = String> + 'h {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies = cookies.flat_map(Cookie::split_parse).filter_map(Result::ok);
    cookies.filter(move |cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
}

/// Whether what changes something was sent by a page of this origin, as far as the browser says it.
pub(super) fn is_own_origin(headers: &HeaderMap, ours: Option<&str>) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let origin = headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
    site.is_none_or(|site| site == b"same-origin")
        && origin.is_none_or(|origin| ours.is_some_and(|ours| origin == ours.as_bytes()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_form_of_another_site_is_known_by_its_origin() {
        let ours = Some("http://localhost:8471");
        let own = |pairs: &[(&'static str, &str)]| is_own_origin(&headers(pairs), ours);
        assert!(own(&[]));
        assert!(own(&[("origin", "http://localhost:8471"), ("sec-fetch-site", "same-origin")]));
        assert!(!own(&[("origin", "http://localhost:9000")]));
        assert!(!own(&[("origin", "null")]));
        assert!(!own(&[("origin", "https://localhost:8471")]));
        assert!(!own(&[("sec-fetch-site", "same-site")]));
        assert!(!own(&[("sec-fetch-site", "cross-site")]));
        assert!(!is_own_origin(&headers(&[("origin", "http://localhost:8471")]), None));
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let found = |pairs: &[(&'static str, &str)]| {
            cookies(&headers(pairs), "palisade-console").collect::<Vec<_>>()
        };
        assert_eq!(found(&[("cookie", "a=b; palisade-console=x1; c=d")]), ["x1"]);
        assert_eq!(found(&[("cookie", "palisade-console-2=x")]), [""; 0]);
        assert_eq!(found(&[]), [""; 0]);
    }
}
