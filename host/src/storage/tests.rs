//! One suite, run on both engines.

use super::*;

fn engines() -> Vec<(Storage, Option<tempfile::TempDir>)> {
    let directory = tempfile::tempdir().unwrap();
    vec![
        (Storage::in_memory().unwrap(), None),
        (Storage::open(&directory.path().join("db")).unwrap(), Some(directory)),
    ]
}

async fn put(storage: &Storage, pairs: &[(&str, &str)]) {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect();
    let written = storage
        .update(move |transaction| {
            pairs.into_iter().try_for_each(|(key, value)| transaction.put(key, value))
        })
        .await;
    written.map_err(|error: StorageError| error).unwrap();
}

fn keys(pairs: Vec<Pair>) -> Vec<String> {
    pairs.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect()
}

#[tokio::test]
async fn a_scan_stays_under_its_prefix_in_both_directions() {
    for (storage, _directory) in engines() {
        put(&storage, &[("a/1", ""), ("a/2", ""), ("a/3", ""), ("b", ""), ("a", "")]).await;
        assert_eq!(
            keys(storage.scan(b"a/", None, Direction::Forward, 9).unwrap()),
            ["a/1", "a/2", "a/3"]
        );
        assert_eq!(
            keys(storage.scan(b"a/", Some(b"a/1"), Direction::Forward, 1).unwrap()),
            ["a/2"]
        );
        assert_eq!(
            keys(storage.scan(b"a/", None, Direction::Backward, 2).unwrap()),
            ["a/3", "a/2"]
        );
        assert_eq!(
            keys(storage.scan(b"a/", Some(b"a/2"), Direction::Backward, 9).unwrap()),
            ["a/1"]
        );
        assert_eq!(
            keys(storage.scan(b"a/", Some(b"b"), Direction::Forward, 9).unwrap()),
            Vec::<String>::new()
        );
        assert_eq!(keys(storage.scan(b"", None, Direction::Forward, 9).unwrap()).len(), 5);
    }
}

#[tokio::test]
async fn a_failed_update_writes_nothing() {
    for (storage, _directory) in engines() {
        let result: Result<(), StorageError> = storage
            .update(|transaction| {
                transaction.put(b"x".to_vec(), b"1".to_vec())?;
                transaction.put(b"y".to_vec(), vec![0; MAX_VALUE_BYTES + 1])
            })
            .await;
        assert_eq!(
            result.unwrap_err().to_string(),
            "a value of 65537 bytes is over the limit of 65536"
        );
        assert_eq!(storage.get(b"x").unwrap(), None);
    }
}

#[tokio::test]
async fn a_panicking_update_is_an_error_and_the_next_one_works() {
    let (storage, _) = engines().remove(0);
    let result: Result<(), StorageError> = storage.update(|_| panic!("on purpose")).await;
    assert!(result.is_err());
    put(&storage, &[("x", "1")]).await;
    assert!(storage.is_healthy());
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_see_each_others_writes() {
    for (storage, _directory) in engines() {
        let increments = (0..200).map(|_| {
            let storage = storage.clone();
            tokio::spawn(async move {
                let incremented = storage.update(|transaction| {
                    let count = transaction
                        .get(b"n")?
                        .map_or(0, |value| u32::from_be_bytes(value.try_into().unwrap()));
                    transaction.put(b"n".to_vec(), (count + 1).to_be_bytes().to_vec())
                });
                incremented.await.map_err(|error: StorageError| error).unwrap();
            })
        });
        for increment in increments.collect::<Vec<_>>() {
            increment.await.unwrap();
        }
        assert_eq!(storage.get(b"n").unwrap(), Some(200_u32.to_be_bytes().to_vec()));
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let storage = Storage::open(&path).unwrap();
    put(&storage, &[("x", "1")]).await;
    assert!(matches!(Storage::open(&path), Err(StorageError::InUse { .. })));
    drop(storage);
    let reopened = loop {
        // The committer thread lets go of the database when it sees that the last handle is gone.
        match Storage::open(&path) {
            Err(StorageError::InUse { .. }) => std::thread::yield_now(),
            opened => break opened.unwrap(),
        }
    };
    assert_eq!(reopened.get(b"x").unwrap(), Some(b"1".to_vec()));
}

#[tokio::test]
async fn a_value_at_the_limit_makes_no_blob_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let storage = Storage::open(&path).unwrap();
    for n in 0..40_u8 {
        let written: Result<(), StorageError> = storage
            .update(move |transaction| transaction.put(vec![n], vec![n; MAX_VALUE_BYTES]))
            .await;
        written.unwrap();
    }
    let blobs = std::fs::read_dir(path.join("blobs")).map_or(0, Iterator::count);
    assert_eq!(blobs, 0);
}
