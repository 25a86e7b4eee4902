//! `fire` and `journal`: hook calls as a person reads them.

use insta::assert_snapshot;
use palisade_tests::TestHost;
use serde_json::Value;

use super::{run, varying};
use crate::guests;

#[tokio::test]
async fn fire_prints_the_verdict_for_a_person_and_says_it_by_its_status() {
    let _varying = varying();
    let host = guests::host("").await;
    let fire = |more: &[&str]| run(&host, &[&["fire", "mailbox.create"], more].concat());
    assert_snapshot!(fire(&["--param", "address=info@a.example"]), @r#"
    before:mailbox.create proceeds  [id]

      HANDLER  VERSION  OUTCOME  FUEL  MEMORY  TOOK
      misbehaving  1.0.0  proceed  [n]  [n]  [took]
      reserved-names  1.0.0  proceed  [n]  [n]  [took]
    exit 0
    "#);
    assert_snapshot!(fire(&["--param", "do=alter-int:quota=5", "-p", "quota=50"]), @r#"
    before:mailbox.create altered  [id]
      quota: 50 -> 5  by misbehaving

      HANDLER  VERSION  OUTCOME  FUEL  MEMORY  TOOK
      misbehaving  1.0.0  alter  [n]  [n]  [took]
      reserved-names  1.0.0  proceed  [n]  [n]  [took]
    exit 0
    "#);
    assert_snapshot!(fire(&["--param", "address=root@a.example", "--actor", "u1", "--role", "customer"]), @r#"
    before:mailbox.create denied  [id]
      address: the name `root` is reserved by the provider  name.reserved by reserved-names

      HANDLER  VERSION  OUTCOME  FUEL  MEMORY  TOOK
      misbehaving  1.0.0  proceed  [n]  [n]  [took]
      reserved-names  1.0.0  deny  [n]  [n]  [took]
    exit 4
    "#);
    assert_snapshot!(fire(&["--param", "do=skip:{\"sent\":true}"]), @r#"
    before:mailbox.create skipped  [id]
      result: {"sent":true}

      HANDLER  VERSION  OUTCOME  FUEL  MEMORY  TOOK
      misbehaving  1.0.0  skip  [n]  [n]  [took]
      reserved-names  1.0.0  proceed  [n]  [n]  [took]
    exit 5
    "#);
    assert_snapshot!(fire(&["--param", "do=fail-other"]), @r#"
    before:mailbox.create proceeds  [id]

      HANDLER  VERSION  OUTCOME  FUEL  MEMORY  TOOK
      misbehaving  1.0.0  failed: told to fail  [n]  [n]  [took]
      reserved-names  1.0.0  proceed  [n]  [n]  [took]
    exit 0
    "#);
    assert_snapshot!(fire(&["--after", "--status", "succeeded", "--result", "{\"a\":1}", "--param", "do=alter:a=2"]), @r#"
    after:mailbox.create altered  [id]
      a: 1 -> 2  by misbehaving
      result: {"a":"2"}

      HANDLER  VERSION  OUTCOME  FUEL  MEMORY  TOOK
      misbehaving  1.0.0  alter  [n]  [n]  [took]
    exit 0
    "#);
}

#[tokio::test]
async fn fire_helps_with_an_action_that_nobody_handles() {
    let _varying = varying();
    let host = TestHost::new().start().await;
    assert_snapshot!(run(&host, &["fire", "mailbox.craete"]), @r#"
    before:mailbox.craete proceeds  [id]
      no extension handles this hook
      the catalogue has no action `mailbox.craete`; did you mean `mailbox.create`?
    exit 0
    "#);
    assert_snapshot!(run(&host, &["fire", "mailbox.create"]), @r#"
    before:mailbox.create proceeds  [id]
      no extension handles this hook
    exit 0
    "#);
    assert_snapshot!(run(&host, &["fire", "mail box"]), @r#"
    error: an action is 1 to 128 of a-z A-Z 0-9 . _ - : without empty parts: `mail box`
    exit 1
    "#);
}

#[tokio::test]
async fn fire_takes_values_by_the_type_of_the_field() {
    let _varying = varying();
    let host = TestHost::new().start().await;
    let fire = [
        "fire",
        "mailbox.create",
        "--id",
        "1",
        "--param",
        "quota=5",
        "--param",
        "list:=[\"a\",1]",
        "--old",
        "quota=4",
        "--param",
        "x=5",
    ];
    let more = [
        "--object",
        "site:a.example",
        "--attribute",
        "remote.address=192.0.2.1",
        "--dry-run",
        "--json",
    ];
    let verdict: Value =
        serde_json::from_slice(&host.cli(&[&fire[..], &more].concat()).stdout).unwrap();
    assert_eq!(verdict["params"], serde_json::json!({ "quota": 5, "list": ["a", 1], "x": "5" }));
    let entry = &host.get("/v1/journal/1").await["entries"][0];
    assert_eq!(
        (&entry["dry_run"], &entry["object"]["id"]),
        (&Value::Bool(true), &"a.example".into())
    );
    for wrong in
        [["--param", "quota=much"], ["--param", "quota"], ["--param", "x:=y"], ["--object", "site"]]
    {
        assert!(!host.cli(&[&["fire", "mailbox.create"], &wrong[..]].concat()).status.success());
    }
    assert_snapshot!(run(&host, &["fire", "mailbox.create", "--param", "quota=much"]), @r#"
    error: `quota` of `mailbox.create` is of type integer: `much`
    exit 1
    "#);
    assert_snapshot!(run(&host, &["fire", "mailbox.create", "--param", "quota"]), @r#"
    error: a value is NAME=VALUE: `quota`
    exit 1
    "#);
    assert_snapshot!(run(&host, &["fire", "mailbox.create", "--param", "x:=y"]), @r#"
    error: the value of `x` is not JSON: expected value at line 1 column 1: `y`
    exit 1
    "#);
    assert_snapshot!(run(&host, &["fire", "mailbox.create", "--object", "site"]), @r#"
    error: an object is KIND:ID: `site`
    exit 1
    "#);
}

#[tokio::test]
async fn journal_lists_and_shows_what_happened() {
    let _varying = varying();
    let host = guests::host("").await;
    assert_snapshot!(run(&host, &["journal"]), @r#"
    the journal has no such hook call
    exit 0
    "#);
    let fire =
        |arguments: &[&str]| drop(host.cli(&[&["fire", "mailbox.create"], arguments].concat()));
    fire(&[
        "--id",
        "one",
        "--param",
        "do=alter:address=root@a.example",
        "--param",
        "password=x",
        "--actor",
        "u1",
        "--role",
        "customer",
    ]);
    fire(&["--id", "two", "--param", "do=fail-other", "--object", "mailbox:info"]);
    fire(&["--id", "two", "--after", "--param", "do=log:2", "--object", "mailbox:info"]);
    assert_snapshot!(run(&host, &["journal"]), @r#"
    TIME  HOOK  ACTOR  OBJECT  VERDICT  HANDLERS  TOOK  ACTION ID
    [time]  after:mailbox.create  info  proceed  misbehaving proceed  [took]  two
    [time]  before:mailbox.create  info  proceed  misbehaving failed (failure), reserved-names proceed  [took]  two
    [time]  before:mailbox.create  u1  deny  misbehaving alter, reserved-names deny  [took]  one
    exit 0
    "#);
    assert_snapshot!(run(&host, &["journal", "one"]), @r#"
    [time] before:mailbox.create deny in [took]
      by person u1, customer
      do = alter:address=root@a.example
      password = secret
      address: the name `root` is reserved by the provider  name.reserved by reserved-names
      address: (nothing) -> root@a.example  by misbehaving

      HANDLER  VERSION  OUTCOME  FUEL  MEMORY  TOOK
      misbehaving  1.0.0  alter  [n]  [n]  [took]
      reserved-names  1.0.0  deny  [n]  [n]  [took]

    exit 0
    "#);
    assert_snapshot!(run(&host, &["journal", "two"]), @r#"
    [time] before:mailbox.create proceed in [took]
      on mailbox info
      do = fail-other

      HANDLER  VERSION  OUTCOME  FUEL  MEMORY  TOOK
      misbehaving  1.0.0  failed: told to fail  [n]  [n]  [took]
      reserved-names  1.0.0  proceed  [n]  [n]  [took]

    [time] after:mailbox.create (succeeded) proceed in [took]
      on mailbox info
      do = log:2

      HANDLER  VERSION  OUTCOME  FUEL  MEMORY  TOOK
      misbehaving  1.0.0  proceed  [n]  [n]  [took]
      misbehaving info: line 1
      misbehaving info: line 2

    exit 0
    "#);
    assert_snapshot!(run(&host, &["journal", "three"]), @r#"
    error: the journal has no action `three`
    exit 1
    "#);
    assert_snapshot!(run(&host, &["journal", "--faults", "--phase", "before", "--since", "1h", "--limit", "5"]), @r#"
    TIME  HOOK  ACTOR  OBJECT  VERDICT  HANDLERS  TOOK  ACTION ID
    [time]  before:mailbox.create  info  proceed  misbehaving failed (failure), reserved-names proceed  [took]  two
    exit 0
    "#);
    assert_snapshot!(run(&host, &["journal", "--extension", "nothing"]), @r#"
    the journal has no such hook call
    exit 0
    "#);
}
