use super::*;
use crate::bridge::panel_hooks;
use crate::hook::HookPattern;

const HOOK: &str = "/usr/local/bin/palisade-hook";

fn hooks(dialect: Dialect, patterns: &[&str]) -> Vec<PanelHook> {
    let patterns: Vec<HookPattern> =
        patterns.iter().map(|text| HookPattern::parse(text).unwrap()).collect();
    panel_hooks(dialect, &patterns)
}

fn wanted<'a>(dialect: Dialect, hooks: &'a [PanelHook]) -> Wanted<'a> {
    Wanted {
        dialect,
        hooks,
        program: Path::new(HOOK),
        user: "palisade",
        socket: Path::new("/run/palisade/palisade.sock"),
        manager: None,
        into: None,
        providers: &[],
    }
}

fn registered(dialect: Dialect, patterns: &[&str]) -> Registration {
    registration(&wanted(dialect, &hooks(dialect, patterns))).unwrap()
}

fn links(registration: &Registration) -> Vec<&str> {
    registration.links.keys().map(|path| path.to_str().unwrap()).collect()
}

fn lines(told: &Told, listed: &str) -> Vec<String> {
    told.missing(listed).iter().map(ToString::to_string).collect()
}

#[test]
fn coremanager_gets_a_handler_for_each_phase() {
    let own = registered(
        Dialect::Coremanager,
        &["before:customer.create", "before:customer.update", "after:mailbox.create"],
    );
    assert_eq!(own.files.len(), 1);
    assert_eq!(own.files[0].path, Path::new("/usr/local/mgr5/etc/xml/ispmgr_mod_palisade.xml"));
    insta::assert_snapshot!(own.files[0].contents, @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <!-- Written by `palisade bridge register coremanager`; `unregister` takes it away. -->
    <mgrdata>
      <handler name="palisade-coremanager-before-cgi" type="cgi">
        <event name="user.add" before="yes"/>
        <event name="user.edit" before="yes"/>
      </handler>
      <handler name="palisade-coremanager-after-xml" type="xml">
        <event name="email.edit" after="yes" proirity="after" base="project"/>
      </handler>
    </mgrdata>
    "#);
    assert_eq!(
        links(&own),
        [
            "/usr/local/mgr5/addon/palisade-coremanager-after-xml",
            "/usr/local/mgr5/addon/palisade-coremanager-before-cgi"
        ]
    );
    assert!(own.links.values().all(|target| target == Path::new(HOOK)));
    assert!(own.hints[0].ends_with("mgrctl -m ispmgr exit"), "{:?}", own.hints);
}

#[test]
fn the_links_of_coremanager_say_what_the_program_has_to_know() {
    let own = registered(Dialect::Billmanager, &["before:*", "after:*"]);
    for link in own.links.keys() {
        let (dialect, arguments) = palisade_hook::resolve(link, Vec::new()).unwrap();
        assert_eq!((dialect, arguments.len()), (Dialect::Billmanager, 2), "{}", link.display());
    }
    assert!(own.files[0].path.ends_with("billmgr_mod_palisade.xml"));
}

#[test]
fn directadmin_gets_a_link_in_the_directory_of_each_hook() {
    let own = registered(Dialect::Directadmin, &["before:mailbox.create", "after:customer.create"]);
    assert_eq!(
        links(&own),
        [
            "/usr/local/directadmin/scripts/custom/email_create_pre/00-palisade.sh",
            "/usr/local/directadmin/scripts/custom/user_create_post/00-palisade.sh"
        ]
    );
    let (dialect, arguments) =
        palisade_hook::resolve(Path::new(links(&own)[0]), Vec::new()).unwrap();
    assert_eq!((dialect, arguments), (Dialect::Directadmin, vec!["email_create_pre".into()]));
}

#[test]
fn hestia_gets_links_where_it_looks() {
    let own = registered(Dialect::Hestia, &["before:ssl.issue", "after:mail.domain.enable"]);
    assert_eq!(
        links(&own),
        ["/etc/hestiacp/hooks/le_pre.sh", "/usr/local/hestia/data/extensions/add-mail-domain.sh"]
    );
}

#[test]
fn plesk_is_told_of_what_it_does_not_have() {
    let own = registered(Dialect::Plesk, &["after:mailbox.create", "after:customer.delete"]);
    let told = own.told.unwrap();
    let create = |event: &str| {
        format!(
            "plesk bin event_handler --create -event {event} -priority 50 -user palisade \
             -command '{HOOK} plesk {event}'"
        )
    };
    assert_eq!(lines(&told, ""), [create("client_delete"), create("mailname_create")]);
    let listed = format!(
        "Id                 3\nEvent              Mail account created\nCommand            {HOOK} plesk mailname_create\n\
         Id                 4\nCommand            /usr/bin/other mailname_create\n\
         Id                 12\nCommand            {HOOK} plesk domain_create\n"
    );
    assert_eq!(
        lines(&told, &listed),
        ["plesk bin event_handler --delete 12".to_owned(), create("client_delete")]
    );
    assert_eq!(
        lines(&registered(Dialect::Plesk, &[]).told.unwrap(), &listed),
        ["plesk bin event_handler --delete 3", "plesk bin event_handler --delete 12"]
    );
}

#[test]
fn what_plesk_lists_is_read_however_it_is_spaced() {
    let listed = format!("  id: 7\n\n\tcommand:\t{HOOK} plesk x\n");
    assert_eq!(own_of_plesk(&listed), [("7".to_owned(), format!("{HOOK} plesk x"))]);
    let none = format!(
        "Command {HOOK} plesk x\nId seven\nCommand {HOOK} plesk x\nId 1\nCommand {HOOK} plesk"
    );
    assert!(own_of_plesk(&none).is_empty());
}

#[test]
fn cpanel_is_told_once_for_all_hooks() {
    let own = registered(Dialect::Cpanel, &["before:customer.create"]);
    let program = "/usr/local/cpanel/3rdparty/bin/palisade-hook";
    let rollback = "/usr/local/cpanel/3rdparty/bin/palisade-cpanel-rollback";
    assert_eq!(links(&own), [rollback, program]);
    let told = own.told.unwrap();
    let manage = "/usr/local/cpanel/bin/manage_hooks";
    assert_eq!(lines(&told, "{}"), [format!("{manage} add script {program}")]);
    let listed = |stage: &str| {
        format!(
            r#"{{"Whostmgr":[{{"event":"Accounts::Create","hooks":[{{"event":"Accounts::Create","hook":"{program}","stage":"{stage}"}},{{"hook":"/x","stage":"post"}}]}}]}}"#
        )
    };
    assert!(lines(&told, &listed("pre")).is_empty());
    let again =
        [format!("{manage} delete script {program}"), format!("{manage} add script {program}")];
    assert_eq!(lines(&told, &listed("post")), again);
    assert_eq!(lines(&registered(Dialect::Cpanel, &[]).told.unwrap(), &listed("pre")), again[..1]);
}

#[test]
fn virtualmin_gets_a_line_for_each_phase_and_keeps_the_others() {
    let own = registered(Dialect::Virtualmin, &["before:subscription.create"]);
    let [pre, post] = own.settings.as_slice() else { panic!("{:?}", own.settings) };
    assert_eq!(pre.value, format!("{HOOK} virtualmin pre"));
    assert_eq!((post.key, post.value.as_str()), ("post_command", ""));
    let file = b"plain=\xff\npre_command=\npost_commands=x\n";
    assert_eq!(pre.found(file).unwrap(), "");
    assert_eq!(post.found(file), None);
    let set = pre.set_in(file);
    let expected =
        [b"plain=\xff\npre_command=", pre.value.as_bytes(), b"\npost_commands=x\n"].concat();
    assert_eq!(set, expected);
    assert_eq!(pre.found(&set).unwrap(), pre.value);
    assert!(Setting::is_own(&pre.value) && !Setting::is_own("/opt/own/script pre"));
    let added = Setting { value: "y".into(), ..post.clone() };
    assert_eq!(added.set_in(b"a=1\n"), b"a=1\npost_command=y\n");
    assert_eq!(added.set_in(b"a=1"), b"a=1\npost_command=y\n");
    assert_eq!(added.set_in(b""), b"post_command=y\n");
}

#[test]
fn a_provider_gets_the_program_under_its_own_name() {
    let providers = ["mock-cloud".to_owned()];
    let wanted = Wanted { providers: &providers, ..wanted(Dialect::Bitrix, &[]) };
    let own = registration(&wanted).unwrap();
    assert_eq!(links(&own), ["/opt/webdir/providers/mock-cloud/bin/mock-cloud"]);
    let (dialect, arguments) =
        palisade_hook::resolve(Path::new(links(&own)[0]), vec!["help".into()]).unwrap();
    assert_eq!((dialect, arguments), (Dialect::Bitrix, vec!["mock-cloud".into(), "help".into()]));
}

#[test]
fn php_files_have_the_list_of_their_hooks_beside_them() {
    let hooks = hooks(Dialect::Whmcs, &["after:session.logout"]);
    let wanted = wanted(Dialect::Whmcs, &hooks);
    let error = registration(&wanted).unwrap_err().to_string();
    assert_eq!(error, "WHMCS can be anywhere; name its directory by --into");
    let own = registration(&Wanted { into: Some(Path::new("/srv/whmcs")), ..wanted }).unwrap();
    let names: Vec<&str> =
        own.files.iter().map(|file| file.path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["palisade-hooks.json", "palisade-client.php", "palisade.php"]);
    let list = own.files.first().unwrap();
    assert_eq!(list.path, Path::new("/srv/whmcs/includes/hooks/palisade-hooks.json"));
    assert_eq!(
        list.contents,
        "{\"hooks\":[\"AdminLogout\",\"UserLogout\"],\"socket\":\"/run/palisade/palisade.sock\"}\n"
    );
}

#[test]
fn ispconfig_gets_the_file_for_both_of_its_sides() {
    let own = registered(Dialect::Ispconfig, &["after:customer.create"]);
    assert_eq!(own.files.len(), 6);
    assert_eq!(links(&own), ["/usr/local/ispconfig/server/plugins-enabled/palisade.inc.php"]);
    let target = own.links.values().next().unwrap();
    assert!(own.files.iter().any(|file| file.path == *target), "{}", target.display());
}

#[test]
fn a_name_that_leads_elsewhere_is_refused() {
    for name in ["../x", "a/b", "", ".hidden", "a b", "-x", "a;b", "a$b", "a\0"] {
        assert!(check_name(name).is_err(), "{name:?}");
        let providers = [name.to_owned()];
        let wanted = Wanted { providers: &providers, ..wanted(Dialect::Bitrix, &[]) };
        assert!(registration(&wanted).is_err(), "{name:?}");
    }
}

#[test]
fn a_program_of_another_name_would_not_be_found_again() {
    for program in ["/usr/bin/hook", "palisade-hook", "/"] {
        let wanted = Wanted { program: Path::new(program), ..wanted(Dialect::Plesk, &[]) };
        let error = registration(&wanted).unwrap_err().to_string();
        assert!(error.starts_with("the program must be called `palisade-hook`"), "{error}");
    }
}

#[test]
fn nothing_is_written_for_hooks_that_nobody_subscribes_to() {
    for dialect in Dialect::ALL.into_iter().filter(|&dialect| dialect != Dialect::Generic) {
        let wanted = Wanted { into: Some(Path::new("/srv/panel")), ..wanted(dialect, &[]) };
        let own = registration(&wanted).unwrap();
        assert!(own.files.is_empty() && own.links.is_empty(), "{dialect}");
        assert!(own.told.is_none_or(|told| told.missing("").is_empty()), "{dialect}");
        assert!(own.settings.iter().all(|setting| setting.value.is_empty()), "{dialect}");
    }
}

#[test]
fn what_is_written_is_known_again() {
    assert!(!OwnFile::is_own(Path::new("/etc/x.xml"), b"<mgrdata/>"));
    for dialect in Dialect::ALL.into_iter().filter(|&dialect| dialect != Dialect::Generic) {
        let hooks = hooks(dialect, &["before:*", "after:*"]);
        let providers = ["mock-cloud".to_owned()];
        let wanted = Wanted {
            into: Some(Path::new("/srv/panel")),
            providers: &providers,
            ..wanted(dialect, &hooks)
        };
        // A name of the catalogue that is no part of a path would show here.
        let own = registration(&wanted).unwrap();
        let matches = |path: &Path| {
            own.places.iter().any(|place| glob::Pattern::new(place).unwrap().matches_path(path))
        };
        for file in &own.files {
            assert!(
                OwnFile::is_own(&file.path, file.contents.as_bytes()),
                "{}",
                file.path.display()
            );
            assert!(matches(&file.path), "{}", file.path.display());
        }
        for (link, target) in &own.links {
            assert!(is_own_target(target) && matches(link), "{}", link.display());
        }
    }
}
