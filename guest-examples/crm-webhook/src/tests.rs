//! Tests of the decisions, without a host.

use super::*;

#[test]
fn every_answer_of_success_is_one() {
    assert!([200, 201, 204, 299].into_iter().all(|status| check(status).is_ok()));
}

#[test]
fn any_other_answer_is_unavailable() {
    for status in [302, 404, 500] {
        let Err(Failure::Unavailable(why)) = check(status) else { panic!("{status} is accepted") };
        assert_eq!(why, format!("the CRM answered {status}"));
    }
}

#[test]
fn what_is_denied_is_misconfigured_in_the_hosts_words() {
    let failed = failure(Error::Denied("not granted".into()));

    assert!(matches!(failed, Failure::Misconfigured(why) if why == "not granted"));
}

#[test]
fn a_broken_connection_is_unavailable() {
    assert!(matches!(failure(Error::Connection("refused".into())), Failure::Unavailable(_)));
    assert!(matches!(failure(Error::Timeout), Failure::Unavailable(_)));
}

#[test]
fn a_missing_token_is_named() {
    let Failure::Misconfigured(why) = no_token(&secrets::Error::Unset) else { panic!() };

    assert_eq!(why, "the setting `token` has no value");
}
