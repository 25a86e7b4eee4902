//! Tests of the decisions, without a host.

use super::*;

#[test]
fn a_server_that_is_being_built_is_asked_for_again() {
    let body = br#"{"server":"srv-1","state":"building","percent":50,"retry_after_ms":900}"#;
    let Ok(Step::Pending(pending)) = step(201, body) else { panic!("it is pending") };
    assert_eq!((pending.token.as_str(), pending.retry_after_ms), ("srv-1", 900));
    assert_eq!((pending.percent, pending.status.as_deref()), (Some(50), Some("building")));
}

#[test]
fn a_ready_server_has_an_address_to_show_and_a_password_to_keep() {
    let body = br#"{"server":"srv-1","state":"ready","address":"203.0.113.1","password":"canary"}"#;
    let Ok(Step::Done(done)) = step(200, body) else { panic!("it is done") };
    assert!(matches!(&done.shown[..], [server, _] if server.name == "server"));
    assert_eq!(done.secrets, [("password".to_owned(), b"canary".to_vec())]);
}

#[test]
fn what_the_cloud_refuses_is_refused_in_its_words() {
    for (status, body) in [(409, r#"{"error":"no capacity"}"#), (404, r#"{"error":"no capacity"}"#)]
    {
        let Ok(Step::Refused(why)) = step(status, body.as_bytes()) else { panic!("it is refused") };
        assert_eq!(why, "no capacity");
    }
    let body = br#"{"server":"srv-1","state":"broken","reason":"the disk broke"}"#;
    assert!(matches!(step(200, body), Ok(Step::Refused(why)) if why == "the disk broke"));
}

#[test]
fn what_may_work_later_is_a_failure() {
    assert!(matches!(step(503, b"busy"), Err(Failure::Unavailable(_))));
    assert!(matches!(step(401, b"{}"), Err(Failure::Misconfigured(_))));
    assert!(matches!(failure(Error::Timeout), Failure::Unavailable(_)));
}

#[test]
fn a_broken_answer_is_not_repeated() {
    let body = br#"{"server":"srv-1","state":"ready","password":"canary"#;
    let Err(Failure::Other(why)) = step(200, body) else { panic!("it is broken") };
    assert!(!why.contains("canary"));
    assert!(step(200, br#"{"server":"s","state":"ready","password":"canary"}"#).is_err());
}

#[test]
fn offers_are_read() {
    let body = br#"{"offers":[{"id":"7","title":"Small","available":true,"price":1}]}"#;
    let offers = offers(body).unwrap();
    assert_eq!((offers[0].id.as_str(), offers[0].available), ("7", true));
}
