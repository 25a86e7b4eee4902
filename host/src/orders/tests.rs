use std::path::Path;

use super::*;
use crate::seal::KeySources;

fn orders_with(storage: &Storage, open: u32, directory: &Path) -> Orders {
    let sources = KeySources { file: directory.join("seal.key"), ..KeySources::default() };
    let sealer = Arc::new(Sealer::open(sources).unwrap());
    Orders::new(storage.clone(), sealer, OrderLimits { open, keep_days: 30 })
}

fn order(task: &str, installation: u64, state: OrderState) -> Order {
    Order {
        task: task.into(),
        extension: "cloud".into(),
        installation,
        offer: "7".into(),
        created_ms: 1_000,
        changed_ms: 2_000,
        attempts: 1,
        state,
    }
}

fn pending() -> OrderState {
    OrderState::Pending(Pending {
        token: Token("canary-token".into()),
        retry_after: Duration::from_millis(500),
        percent: Some(50),
        status: Some("building".into()),
    })
}

fn done() -> OrderState {
    let text = |text: &str| Value::Text(text.into());
    let fields = [
        ("server".to_owned(), text("192.0.2.1")),
        ("password".to_owned(), text("canary-password").sealed()),
        ("key".to_owned(), Value::Bytes(vec![0xff]).sealed()),
    ];
    OrderState::Done(Completed(fields.into()))
}

#[tokio::test]
async fn an_order_is_read_as_it_was_kept() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::in_memory().unwrap();
    let orders = orders_with(&storage, 10, directory.path());
    orders.add(&order("24", 1, OrderState::Starting)).await.unwrap();
    for state in [
        pending(),
        done(),
        OrderState::Refused("no room".into()),
        OrderState::Failed("it fell".into()),
    ] {
        let kept = order("24", 1, state);
        orders.put(&kept).await.unwrap();
        // As after a restart.
        let orders = orders_with(&storage, 10, directory.path());
        assert_eq!(orders.get(1, "24").unwrap(), Some(kept));
    }
    assert_eq!(orders.get(1, "25").unwrap(), None);
    assert_eq!(orders.get(2, "24").unwrap(), None);
}

#[tokio::test]
async fn tokens_and_secrets_are_sealed_and_not_in_the_list() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::in_memory().unwrap();
    let orders = orders_with(&storage, 10, directory.path());
    for (task, state) in [("1", pending()), ("2", done())] {
        orders.add(&order(task, 1, state)).await.unwrap();
    }
    for (_, value) in storage.scan(b"order", None, Direction::Forward, 10).unwrap() {
        assert!(!String::from_utf8(value).unwrap().contains("canary"));
    }
    let listed = orders.list().unwrap();
    assert_eq!(listed.iter().map(|order| &*order.task).collect::<Vec<_>>(), ["2", "1"]);
    let OrderState::Done(completed) = &listed[0].state else { panic!("{listed:?}") };
    assert_eq!(completed.0.keys().collect::<Vec<_>>(), ["server"]);
    assert!(matches!(&listed[1].state, OrderState::Pending(pending) if pending.token.0.is_empty()));
}

#[tokio::test]
async fn a_sealed_order_does_not_open_with_another_key_nor_in_another_place() {
    let (directory, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let storage = Storage::in_memory().unwrap();
    let orders = orders_with(&storage, 10, directory.path());
    orders.add(&order("24", 1, done())).await.unwrap();
    let stranger = orders_with(&storage, 10, other.path());
    assert!(matches!(stranger.get(1, "24"), Err(OrdersError::Seal(_))));
    let value = storage.get(&key(1, "24")).unwrap().unwrap();
    storage.update(move |transaction| transaction.put(key(1, "25"), value)).await.unwrap();
    assert!(matches!(orders.get(1, "25"), Err(OrdersError::Seal(_))));
}

#[tokio::test]
async fn only_so_many_orders_are_open_and_a_finished_one_makes_room() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::in_memory().unwrap();
    let orders = orders_with(&storage, 2, directory.path());
    let add = async |task: &str, installation| {
        orders.add(&order(task, installation, OrderState::Starting)).await
    };
    let (one, two, three) = tokio::join!(add("1", 1), add("2", 1), add("3", 1));
    let full = [one, two, three]
        .into_iter()
        .filter(|added| matches!(added, Err(OrdersError::Full { limit: 2 })));
    assert_eq!(full.count(), 1);
    add("4", 2).await.unwrap();
    let first = orders.list().unwrap().into_iter().find(|order| order.installation == 1).unwrap();
    orders.put(&Order { state: pending(), ..first.clone() }).await.unwrap();
    assert!(add("5", 1).await.is_err());
    orders.put(&Order { state: done(), ..first }).await.unwrap();
    add("5", 1).await.unwrap();
    assert!(add("6", 1).await.is_err());
}

#[tokio::test]
async fn an_order_that_was_removed_does_not_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::in_memory().unwrap();
    let orders = orders_with(&storage, 1, directory.path());
    let kept = order("24", 1, pending());
    orders.add(&kept).await.unwrap();
    orders.sweep(|_| false, 2_000).await.unwrap();
    assert!(matches!(orders.put(&kept).await, Err(OrdersError::Gone)));
    assert_eq!(orders.list().unwrap(), []);
    assert_eq!(storage.scan(b"order", None, Direction::Forward, 10).unwrap(), []);
}

#[tokio::test]
async fn old_orders_go_and_make_room() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::in_memory().unwrap();
    let orders = orders_with(&storage, 1, directory.path());
    orders.add(&order("24", 1, pending())).await.unwrap();
    orders.sweep(|_| true, 2_000 + 30 * DAY_MS).await.unwrap();
    assert_eq!(orders.list().unwrap().len(), 1);
    orders.sweep(|_| true, 2_001 + 30 * DAY_MS).await.unwrap();
    assert_eq!(orders.list().unwrap(), []);
    orders.add(&order("25", 1, pending())).await.unwrap();
}

#[tokio::test]
async fn one_at_a_time_asks_about_an_order() {
    let directory = tempfile::tempdir().unwrap();
    let orders = orders_with(&Storage::in_memory().unwrap(), 1, directory.path());
    let (task, other) = ("24".into(), "25".into());
    let claim = orders.claim(&task);
    assert!(claim.is_some() && orders.claim(&task).is_none() && orders.claim(&other).is_some());
    drop(claim);
    assert!(orders.claim(&task).is_some());
}
