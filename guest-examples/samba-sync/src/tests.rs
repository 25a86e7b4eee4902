//! Tests of what the operator is told, without a host.

use super::*;

fn ended(ending: Ending, stderr: &str) -> Result<Output, Error> {
    Ok(Output { ending, stdout: Vec::new(), stderr: stderr.into(), cut: false })
}

#[test]
fn a_command_that_succeeds_is_fine() {
    assert!(check("smbpasswd", ended(Ending::Exited(0), "a warning")).is_ok());
}

#[test]
fn a_command_that_fails_is_told_in_its_own_words() {
    let failure = check("smbpasswd", ended(Ending::Exited(1), "no such user\n"));
    assert!(
        matches!(failure, Err(Failure::Other(what)) if what == "`smbpasswd` failed: no such user")
    );
}

#[test]
fn a_command_that_was_killed_has_failed() {
    assert!(check("smbpasswd", ended(Ending::Killed(9), "")).is_err());
}

#[test]
fn a_command_that_may_not_be_run_is_a_matter_of_configuration() {
    let failure = check("smbpasswd", Err(Error::Denied("not granted".into())));
    assert!(matches!(failure, Err(Failure::Misconfigured(why)) if why == "not granted"));
}

#[test]
fn a_command_that_took_too_long_may_succeed_later() {
    let failure = check("smbpasswd", Err(Error::Timeout(10_000)));
    assert!(
        matches!(failure, Err(Failure::Unavailable(what)) if what == "`smbpasswd` took over 10000 ms")
    );
}
