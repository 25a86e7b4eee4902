use super::*;
use crate::hook::Pattern;

const HEAD: &str = "manifest = 1\n[extension]\nid = \"acme.guard\"\nname = \"Guard\"\nversion = \"1.2.3\"\ncontract = \"1.0\"\n";

fn with(rest: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(&format!("{HEAD}{rest}"))
}

fn message(rest: &str) -> String {
    with(rest).unwrap_err().message
}

#[test]
fn a_small_manifest_gets_the_defaults() {
    let manifest = with("[[on]]\nhook = \"before:mailbox.create\"\n").unwrap();
    let on = &manifest.subscriptions[0];
    assert_eq!(
        (on.hook.phase, on.priority, on.on_failure),
        (Phase::Before, 50, OnFailure::Proceed)
    );
    assert_eq!(on.hook.pattern, Pattern::Exact("mailbox.create".into()));
    assert!(on.powers.is_empty() && manifest.asks.len() == 1);
    assert_eq!(manifest.settings_schema["additionalProperties"], false);
}

#[test]
fn patterns_end_in_a_star() {
    assert_eq!(
        with("[[on]]\nhook = \"after:site.*\"").unwrap().subscriptions[0].hook.pattern,
        Pattern::Under("site".into())
    );
    assert_eq!(
        with("[[on]]\nhook = \"after:*\"").unwrap().subscriptions[0].hook.pattern,
        Pattern::Under(String::new())
    );
    assert!(message("[[on]]\nhook = \"after:si*\"").contains("`hook` must be"));
}

#[test]
fn an_unknown_key_is_refused_with_a_suggestion() {
    let error = with("[[on]]\nhook = \"before:a.b\"\nprioritty = 3\n").unwrap_err();
    assert!(error.message.contains("unknown field `prioritty`"), "{}", error.message);
    assert_eq!(error.hint.as_deref(), Some("did you mean `priority`?"));
}

#[test]
fn a_manifest_without_a_hook_is_refused() {
    assert_eq!(message(""), "it subscribes to no hook, provides nothing and shows nothing");
}

#[test]
fn an_id_of_other_letters_is_refused() {
    for id in ["", "Guard", "a..b", "-a", "a/b", "ä"] {
        let error = Manifest::parse(&HEAD.replace("acme.guard", id)).unwrap_err();
        assert!(error.message.contains("`extension.id` must be words"), "{id}: {}", error.message);
    }
}

#[test]
fn another_contract_is_refused_by_both_versions() {
    let error = Manifest::parse(&HEAD.replace("\"1.0\"", "\"2.0\"")).unwrap_err();
    assert_eq!(
        error.message,
        "`extension.contract` is 2.0, and this host offers palisade:extension 1.0"
    );
    assert_eq!(error.hint.as_deref(), Some("upgrade this host"));
}

#[test]
fn a_priority_above_100_is_refused() {
    assert!(
        message("[[on]]\nhook = \"before:a.b\"\npriority = 101")
            .contains("`priority` must be 0 to 100: 101")
    );
}

#[test]
fn after_an_action_nothing_can_be_denied() {
    assert!(
        message("[[on]]\nhook = \"after:a.b\"\npowers = [\"deny\"]")
            .contains("only the power `alter`")
    );
    assert!(
        message("[[on]]\nhook = \"after:a.b\"\non-failure = \"deny\"")
            .contains("means nothing after")
    );
}

#[test]
fn the_power_alter_needs_its_fields() {
    assert!(message("[[on]]\nhook = \"before:a.b\"\npowers = [\"alter\"]").contains("go together"));
    assert!(message("[[on]]\nhook = \"before:a.b\"\nalter = [\"x\"]").contains("go together"));
}

#[test]
fn what_a_handler_requires_is_among_its_powers() {
    let on = "[[on]]\nhook = \"before:a.b\"\nreason = \"x\"\npowers = [\"deny\", \"skip\"]\n";
    assert_eq!(
        message(&format!("{on}requires = [\"alter\"]")),
        "hook `before:a.b`: `requires` names `alter`, which is none of its `powers`"
    );
    let manifest = with(&format!("{on}requires = [\"deny\"]")).unwrap();
    assert_eq!(manifest.subscriptions[0].requires, [crate::hook::Power::Deny]);
    assert!(with(on).unwrap().subscriptions[0].requires.is_empty());
}

#[test]
fn a_hook_is_subscribed_to_once() {
    assert!(
        message("[[on]]\nhook = \"before:a.b\"\n[[on]]\nhook = \"before:a.b\"")
            .contains("subscribed to twice")
    );
}

#[test]
fn a_schema_that_is_none_is_refused() {
    let rest = "[[on]]\nhook = \"before:a.b\"\n[settings]\ntype = \"object\"\nproperties = 3\n";
    assert!(message(rest).contains("`settings` is not a JSON Schema"), "{}", message(rest));
    assert!(
        message("[[on]]\nhook = \"before:a.b\"\n[settings]\ntype = \"array\"")
            .contains("`type = \"object\"`")
    );
}

#[test]
fn a_required_setting_needs_a_default() {
    let rest = "[[on]]\nhook = \"before:a.b\"\n[settings]\ntype = \"object\"\nrequired = [\"x\"]\n[settings.properties.x]\ntype = \"string\"\n";
    assert_eq!(message(rest), "the setting `x` is required and has no `default`");
    assert!(with(&format!("{rest}default = \"y\"")).is_ok());
}

#[test]
fn an_older_contract_is_told_from_a_newer_one() {
    let error = Manifest::parse(&HEAD.replace("\"1.0\"", "\"0.9\"")).unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("build the extension against the newer contract"));
}

#[test]
fn a_schema_cannot_refer_to_elsewhere() {
    let rest = "[[on]]\nhook = \"before:a.b\"\n[settings]\ntype = \"object\"\n\"$ref\" = \"https://example.com/schema\"\n";
    assert!(message(rest).contains("`settings` is not a JSON Schema"), "{}", message(rest));
}

#[test]
fn a_manifest_over_its_size_is_refused() {
    let message = message(&format!("# {}", "x".repeat(40_000)));
    assert!(message.contains("the limit is 32768"), "{message}");
}

#[test]
fn a_provider_asks_to_be_one_and_needs_no_hook() {
    let rest = "[provider]\nprovides = \"server\"\nreason = \"Sells servers.\"\nfuel = 7\n";
    let manifest = with(rest).unwrap();
    assert!(manifest.subscriptions.is_empty());
    assert_eq!(manifest.asks[0].grant.to_string(), "provide server");
    assert_eq!(manifest.asks[0].reason, "Sells servers.");
    assert_eq!(manifest.provider.unwrap().asked.fuel, Some(7));
    assert!(message(&rest.replace("server\"", "servers\"")).contains("unknown variant `servers`"));
    assert!(message(&rest.replace("Sells servers.", "")).contains("`provider.reason` must be 1"));
    assert!(message(&rest.replace("= 7", "= 0")).starts_with("`provider`: `fuel`"));
}

#[test]
fn what_is_wrong_with_a_page_is_named_with_its_place() {
    let page = |rest: &str| {
        message(&format!("[[page]]\nid = \"notes\"\ntitle = \"Notes\"\nreason = \"r\"\n{rest}"))
    };
    assert!(
        page("place = \"object.tabs\"").starts_with("`page.notes.place` must be one of menu.main")
    );
    assert_eq!(
        page("place = \"object.tab\""),
        "`page.notes.object`: `object.tab` needs the kind of an `object`"
    );
    assert!(page("place = \"list.column\"").ends_with(": `list.column`"));
    assert_eq!(page("priority = 101"), "`page.notes.priority` must be 0 to 100: 101");
}

#[test]
fn a_page_and_an_overlay_have_different_names() {
    let tables = "[[page]]\nid = \"a\"\ntitle = \"A\"\n[[overlay]]\nid = \"a\"\nplace = \"list.column\"\npage = \"domain.list\"\nreason = \"r\"";
    assert!(message(tables).ends_with("each once: `a`"));
}

#[test]
fn a_title_is_a_text_or_a_message() {
    let title = |title: &str| {
        with(&format!("[[page]]\nid = \"notes\"\ntitle = {title}\n"))
            .map(|its| its.pages[0].title.clone())
    };
    assert_eq!(title("\"Notes\"").unwrap(), Title::Text("Notes".into()));
    assert_eq!(title("{ message = \"notes\" }").unwrap(), Title::Message("notes".into()));
    for wrong in ["5", "{ messages = \"notes\" }", "{ message = \"notes\", more = 1 }"] {
        let error = title(wrong).unwrap_err().message;
        assert!(
            error.ends_with("expected a text, or a message: `{ message = \"identifier\" }`"),
            "{error}"
        );
    }
    assert!(title("{ message = \"\" }").unwrap_err().message.contains("must be 1 to 100"));
}

#[test]
fn the_messages_that_it_names_are_there() {
    let page = "[[page]]\nid = \"notes\"\ntitle = { message = \"notes\" }\n";
    let messages = |tag: &str, text: &str| {
        let locale = crate::locale::Locale::parse(tag).unwrap();
        crate::messages::Messages::parse(locale, text).unwrap()
    };
    let (en, de) = (messages("en", "notes = Notes\n"), messages("de", "other = Andere\n"));
    let both = [de, en];
    with(page).unwrap().check_messages(&both).unwrap();
    let refusal = |manifest: &str, messages: &[crate::messages::Messages]| {
        Manifest::parse(manifest).unwrap().check_messages(messages).unwrap_err().message
    };
    let german = HEAD.replace("contract", "default-locale = \"de\"\ncontract");
    insta::assert_snapshot!(refusal(&format!("{german}{page}"), &both), @"`page.notes.title` is the message `notes`, which `messages/de.ftl` has not");
    insta::assert_snapshot!(refusal(&format!("{HEAD}{page}"), &[]), @"`page.notes.title` is the message `notes`, and the assets have no messages");
    let french = german.replace("\"de\"", "\"fr\"");
    insta::assert_snapshot!(refusal(&format!("{french}{page}"), &both), @"`extension.default-locale` is `fr`, and the assets have no `messages/fr.ftl`");
    let wrong = german.replace("\"de\"", "\"not a language\"");
    assert!(
        Manifest::parse(&format!("{wrong}{page}"))
            .unwrap_err()
            .message
            .starts_with("`extension.default-locale` is not a language tag")
    );
}
