//! Tests of what is counted and shown, without a host.

use super::*;
use crate::counts::{Count, DAY_MS, DAYS};
use crate::palisade::gui::types::Window;
use crate::select::part;

fn mailboxes() -> Vec<Mailbox> {
    let mailbox = |address: &str, events, last_ms| Mailbox {
        address: address.into(),
        events,
        last_ms,
        last: Kind::Changed,
    };
    vec![
        mailbox("zoe@shop.example", 1, 30),
        mailbox("ada@shop.example", 5, 10),
        mailbox("ben@blog.example", 5, 20),
    ]
}

fn window() -> Window {
    Window { after: None, limit: 2, sort: None, descending: false, search: None }
}

fn addresses(window: &Window) -> Vec<String> {
    part(mailboxes(), window).mailboxes.into_iter().map(|mailbox| mailbox.address).collect()
}

#[test]
fn an_address_in_two_parts_is_put_together() {
    assert_eq!(address("Ada", Some("Shop.example")).unwrap(), "ada@shop.example");
    assert_eq!(address("ada@shop.example", Some("other.example")).unwrap(), "ada@shop.example");
    assert_eq!(address("ada", None), None);
}

#[test]
fn an_entry_is_read_as_it_was_written() {
    let read = Mailbox::read("ada@shop.example", b"5 10 changed").unwrap();
    assert_eq!(read, mailboxes().remove(1));
    assert_eq!(Mailbox::read("ada@shop.example", b"5 ten changed"), None);
}

#[test]
fn a_key_of_a_day_is_read_as_it_was_made() {
    let key = counts::day_key(20_420, "shop.example", Kind::Deleted);
    assert_eq!(key, "020420/deleted/shop.example");
    assert_eq!(counts::read_day_key(&key), Some((20_420, "shop.example", Kind::Deleted)));
    assert_eq!(counts::read_day_key("020420/other"), None);
}

#[test]
fn a_list_comes_in_parts() {
    let first = part(mailboxes(), &window());
    assert_eq!((first.total, first.next), (3, Some(2)));
    assert_eq!(addresses(&window()), ["ada@shop.example", "ben@blog.example"]);
    let second = Window { after: Some("2".into()), ..window() };
    assert_eq!(addresses(&second), ["zoe@shop.example"]);
    assert_eq!(part(mailboxes(), &second).next, None);
}

#[test]
fn a_list_begins_anew_where_nobody_can_have_been() {
    let nowhere = Window { after: Some("nowhere".into()), ..window() };
    assert_eq!(addresses(&nowhere), addresses(&window()));
    let beyond = Window { after: Some("7".into()), ..window() };
    assert!(addresses(&beyond).is_empty());
}

#[test]
fn a_list_is_sorted_by_what_was_asked_for() {
    let last = Window { sort: Some("last".into()), descending: true, ..window() };
    assert_eq!(addresses(&last), ["zoe@shop.example", "ben@blog.example"]);
    let unknown = Window { sort: Some("colour".into()), ..window() };
    assert_eq!(addresses(&unknown), addresses(&window()));
}

#[test]
fn a_search_finds_a_part_of_an_address() {
    let search = Window { search: Some("BLOG".into()), ..window() };
    assert_eq!(addresses(&search), ["ben@blog.example"]);
}

#[test]
fn a_domain_is_asked_for_once() {
    let mut asked = 0;
    let mut sees = select::sight(|domain| {
        asked += 1;
        domain == "shop.example"
    });
    assert!(sees("shop.example") && sees("shop.example") && !sees("blog.example"));
    drop(sees);
    assert_eq!(asked, 2);
}

#[test]
fn a_chart_has_a_point_for_each_day() {
    let days = [Count { day: 20_420, kind: Kind::Created, number: 3 }];
    let chart = draw::chart(20_420, &days);
    let [created, changed, _] = chart.series.as_slice() else { panic!("three lines") };
    assert_eq!(created.points.len() as u64, DAYS);
    assert_eq!(created.points.last(), Some(&((20_420 * DAY_MS) as f64, 3.0)));
    assert!(changed.points.iter().all(|(_, number)| *number == 0.0));
}
