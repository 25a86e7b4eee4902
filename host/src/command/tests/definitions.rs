//! A definition that is wrong is refused when the configuration is read.

use super::*;

/// What is wrong with the command `tool` whose table is this.
fn refused(rest: &str) -> String {
    match commands(&format!("[command.tool]\n{rest}")) {
        Ok(_) => panic!("it is taken"),
        Err(reason) => {
            let (_, reason) = reason.split_once("is wrong: ").unwrap();
            reason.to_owned()
        }
    }
}

#[test]
fn a_whole_one_is_taken() {
    tool(
        "program = '/usr/bin/smbpasswd'\narguments = ['-s', '-a', '{user}', '--by={causation}']\n\
         stdin = '{password}'\nlauncher = ['/usr/bin/sudo', '-u', '{run-as}']\nrun-as = 'root'\n\
         timeout-ms = 1000\noutput-bytes = 100\ndirectory = '/tmp'\n\
         [command.tool.environment]\nLANG = 'C'\n\
         [command.tool.parameters]\nuser = '[a-z]{1,8}'\npassword = '.{1,128}'",
    );
}

#[test]
fn a_program_and_a_directory_are_absolute_paths() {
    assert_eq!(
        refused("program = 'smbpasswd'"),
        "`command.tool`: `program` must be an absolute path: `smbpasswd`"
    );
    assert_eq!(
        refused("program = '/bin/true'\ndirectory = 'tmp'"),
        "`command.tool`: `directory` must be an absolute path: `tmp`"
    );
}

#[test]
fn what_is_used_is_declared() {
    assert_eq!(
        refused("program = '/bin/true'\nstdin = '{user}'"),
        "`command.tool`: `{user}` is used, and `parameters` has no pattern for it"
    );
}

#[test]
fn what_is_declared_is_used() {
    assert_eq!(
        refused("program = '/bin/true'\n[command.tool.parameters]\nuser = 'a'"),
        "`command.tool`: the parameter `user` is declared and used nowhere"
    );
}

#[test]
fn a_pattern_that_is_none_is_refused() {
    let pattern = |pattern: &str| {
        refused(&format!(
            "program = '/bin/true'\nstdin = '{{a}}'\n[command.tool.parameters]\na = '{pattern}'"
        ))
    };
    assert!(pattern("[a-").contains("`parameters.a`: the pattern cannot be used"));
    assert!(
        pattern("a)|(b").contains("the pattern cannot be used"),
        "it would get out of the anchors"
    );
    assert!(pattern(".{1,100000}").contains("exceeds size limit"));
}

#[test]
fn the_hosts_own_names_are_no_parameters() {
    assert!(
        refused("program = '/bin/true'\nstdin = '{causation}'\n[command.tool.parameters]\ncausation = 'a'")
            .ends_with("a parameter cannot have the host's own name `causation`")
    );
}

#[test]
fn another_user_needs_a_launcher_and_the_launcher_the_user() {
    assert!(
        refused("program = '/bin/true'\nrun-as = 'root'")
            .ends_with("`run-as` needs a `launcher` that names `{run-as}`: `root`")
    );
    assert!(
        refused("program = '/bin/true'\nlauncher = ['/usr/bin/sudo', '-u', '{run-as}']")
            .ends_with("`launcher` names `{run-as}`, and `run-as` is not set")
    );
}

#[test]
fn a_launcher_is_the_operators_word_alone() {
    assert!(
        refused("program = '/bin/true'\nlauncher = ['/bin/{a}']\nstdin = '{a}'\n[command.tool.parameters]\na = 'x'")
            .ends_with("`launcher` can name `{run-as}` alone, and names `a`")
    );
    assert!(
        refused("program = '/bin/true'\nlauncher = ['sudo']")
            .ends_with("`launcher` must begin with an absolute path: `sudo`")
    );
}

#[test]
fn numbers_out_of_range_are_refused_by_name() {
    assert!(
        refused("program = '/bin/true'\ntimeout-ms = 0")
            .ends_with("`timeout-ms` must be 1 to 3600000: 0")
    );
    assert!(
        refused("program = '/bin/true'\noutput-bytes = 16777217")
            .ends_with("`output-bytes` must be 0 to 16777216: 16777217")
    );
    let limits = commands("[commands]\nconcurrent = 0").err();
    assert!(limits.is_some_and(|why| why.ends_with("`commands.concurrent` must be 1 to 100000")));
}

#[test]
fn a_key_that_is_not_known_is_refused() {
    assert!(refused("program = '/bin/true'\nshell = true").contains("unknown field `shell`"));
}

#[test]
fn a_name_that_no_grant_can_have_is_refused() {
    let error = commands("[command.\"../sh\"]\nprogram = '/bin/true'").err().unwrap();
    assert!(error.contains("the name of a command is words"), "{error}");
}
