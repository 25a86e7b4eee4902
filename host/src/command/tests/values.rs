//! Which values of a guest are taken.

use super::*;

/// A command with one parameter of this pattern, in a word of its own.
fn word(pattern: &str) -> Commands {
    tool(&format!(
        "program = '/bin/echo'\narguments = ['{{a}}']\n[command.tool.parameters]\na = '{pattern}'"
    ))
}

/// A command with one parameter of this pattern, in its standard input.
fn input(pattern: &str) -> Commands {
    tool(&format!(
        "program = '/bin/cat'\nstdin = '{{a}}'\n[command.tool.parameters]\na = '{pattern}'"
    ))
}

fn secret(bytes: &[u8]) -> Vec<(String, Argument)> {
    vec![("a".into(), Argument::Secret(bytes.to_vec()))]
}

#[test]
fn the_whole_value_must_match() {
    let commands = word("[a-z]+|[0-9]+");
    assert_eq!(wrong(&commands, plain(&[("a", "ada")])), None);
    assert_eq!(
        wrong(&commands, plain(&[("a", "ada; rm")])).unwrap(),
        "the value of `a` does not match `[a-z]+|[0-9]+`: `ada; rm`"
    );
    assert!(wrong(&commands, plain(&[("a", "7ada")])).is_some());
}

#[test]
fn a_newline_is_taken_only_where_the_pattern_has_one() {
    assert_eq!(
        wrong(&word("[a-z]+"), plain(&[("a", "ada\n")])).unwrap(),
        "the value of `a` does not match `[a-z]+`: `ada\\n`"
    );
    assert!(wrong(&input(".*"), plain(&[("a", "a\nb")])).is_some());
    assert_eq!(wrong(&input("(?s).*"), plain(&[("a", "a\nb")])), None);
}

#[test]
fn a_word_that_a_guest_begins_is_no_option() {
    assert_eq!(
        wrong(&word(".*"), plain(&[("a", "-x")])).unwrap(),
        "the value of `a` would be taken for an option, since it begins with `-`"
    );
}

#[test]
fn a_dash_inside_a_word_or_in_the_standard_input_is_taken() {
    let inside = tool(
        "program = '/bin/echo'\narguments = ['--user={a}']\n[command.tool.parameters]\na = '.*'",
    );
    assert_eq!(wrong(&inside, plain(&[("a", "-x")])), None);
    assert_eq!(wrong(&input(".*"), plain(&[("a", "-x")])), None);
}

#[test]
fn a_nul_byte_is_refused_wherever_it_goes() {
    for commands in [word("(?s).*"), input("(?s).*")] {
        assert_eq!(
            wrong(&commands, plain(&[("a", "x\0y")])).unwrap(),
            "the value of `a` has a NUL byte: `x\\u{0}y`"
        );
    }
}

#[test]
fn every_parameter_is_given_once_and_no_other() {
    let commands = word(".*");
    assert_eq!(wrong(&commands, plain(&[])).unwrap(), "a value is missing for the parameter `a`");
    assert_eq!(
        wrong(&commands, plain(&[("a", "x"), ("a", "y")])).unwrap(),
        "the parameter is given twice: `a`"
    );
    assert_eq!(
        wrong(&commands, plain(&[("a", "x"), ("run-as", "root")])).unwrap(),
        "the command has no parameter of this name: `run-as`"
    );
}

#[test]
fn a_long_value_is_refused() {
    let long = "x".repeat(MAX_VALUE_BYTES + 1);
    assert_eq!(
        wrong(&word(".*"), plain(&[("a", &long)])).unwrap(),
        "the value of `a` is over 65536 bytes: 65537"
    );
}

#[test]
fn a_secret_goes_to_the_standard_input_alone() {
    assert_eq!(wrong(&input(".*"), secret(b"canary")), None);
    let message = "the parameter cannot be a secret, since it does not stand in the standard input alone: `a`";
    assert_eq!(wrong(&word(".*"), secret(b"canary")).unwrap(), message);
    let both = tool(
        "program = '/bin/echo'\nstdin = '{a}'\narguments = ['{a}']\n[command.tool.parameters]\na = '.*'",
    );
    assert_eq!(wrong(&both, secret(b"canary")).unwrap(), message);
    let variable = tool(
        "program = '/bin/echo'\nenvironment = { A = '{a}' }\n[command.tool.parameters]\na = '.*'",
    );
    assert_eq!(wrong(&variable, secret(b"canary")).unwrap(), message);
}

#[test]
fn a_secret_that_does_not_match_is_not_shown() {
    assert_eq!(
        wrong(&input("[0-9]+"), secret(b"canary")).unwrap(),
        "the value of `a` does not match `[0-9]+`: `a secret`"
    );
    assert_eq!(
        wrong(&input(".*"), secret(b"\xff")).unwrap(),
        "the value of `a` does not match `.*`: `a secret`"
    );
}

#[test]
fn more_in_one_call_than_allowed_is_refused_by_name() {
    let commands = commands("[commands]\nper-call = 2").unwrap();
    let id: Arc<str> = "one".into();
    assert_eq!(commands.count(&id, 2), Ok(()));
    assert_eq!(
        commands.count(&id, 3),
        Err(CommandError::Limited("`commands.per-call` is 2".into()))
    );
}

#[test]
fn more_in_a_minute_than_allowed_is_refused_to_that_extension_alone() {
    let commands = commands("[commands]\nper-minute = 2").unwrap();
    let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
    assert_eq!([commands.count(&one, 1), commands.count(&one, 1)], [Ok(()), Ok(())]);
    assert_eq!(
        commands.count(&one, 1),
        Err(CommandError::Limited("`commands.per-minute` is 2".into()))
    );
    assert_eq!(commands.count(&other, 1), Ok(()));
}
