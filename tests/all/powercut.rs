//! After a power cut, everything that was acknowledged is there: a host is started on what it had fsynced, and
//! nothing else.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use palisade_tests::{Running, TestHost, cli_command, root};
use serde_json::{Value, json};

use crate::crash::{
    Change, Random, Subject, killed_after, nothing_is_left_over, observed, versions,
};
use crate::guests::{self, logged, trace};

/// A directory whose files are watched by the shim, and the shadow in which it keeps what is durable.
struct Disk {
    directory: PathBuf,
    shadow: PathBuf,
    shim: PathBuf,
    _temporary: tempfile::TempDir,
}

impl Disk {
    /// A disk with this content, all of it durable.
    fn new(content: &Path) -> Self {
        // In memory, if there is such a place: every fsync is a copy.
        let memory = Path::new("/dev/shm");
        let temporary =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
                .unwrap();
        let base = temporary.path().canonicalize().unwrap();
        let (directory, shadow, shim) =
            (base.join("disk"), base.join("shadow"), base.join("shim.so"));
        let source = root().join("tests/fixtures/power_cut.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1"])
            .arg(source)
            .arg("-o")
            .arg(&shim)
            .status();
        assert!(compiled.is_ok_and(|status| status.success()), "`cc` cannot compile the shim");
        guests::copy(content, &directory);
        let disk = Self { directory, shadow, shim, _temporary: temporary };
        disk.sync();
        disk
    }

    /// Makes all that is there durable.
    fn sync(&self) {
        let _ = fs::remove_dir_all(&self.shadow);
        fs::create_dir(&self.shadow).unwrap();
        self.keep(&self.directory);
    }

    fn keep(&self, directory: &Path) {
        let mut listing = String::new();
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let (kind, key) = match entry.file_type().unwrap() {
                kind if kind.is_dir() => ('d', key(&entry.path())),
                kind if kind.is_file() => ('f', key(&entry.path())),
                _ => continue,
            };
            listing.push_str(&format!("{kind} {key} {}\n", entry.file_name().to_str().unwrap()));
            match kind {
                'd' => self.keep(&entry.path()),
                _ => drop(fs::copy(entry.path(), self.shadow.join(key)).unwrap()),
            }
        }
        fs::write(self.shadow.join(key(directory)), listing).unwrap();
    }

    /// Puts what was durable in the place of what was there, and makes all of that durable.
    fn cut_power(&self) {
        let rebuilt = self.directory.with_file_name("rebuilt");
        self.rebuild(&key(&self.directory), &rebuilt);
        fs::remove_dir_all(&self.directory).unwrap();
        fs::rename(&rebuilt, &self.directory).unwrap();
        self.sync();
    }

    fn rebuild(&self, directory_key: &str, to: &Path) {
        fs::create_dir(to).unwrap();
        // A directory that was never fsynced is empty, and so is a file.
        let listing = fs::read_to_string(self.shadow.join(directory_key)).unwrap_or_default();
        for line in listing.lines() {
            let mut words = line.splitn(3, ' ');
            let (kind, key, name) =
                (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            let path = to.join(name);
            match kind {
                "d" => self.rebuild(key, &path),
                _ if self.shadow.join(key).exists() => {
                    fs::copy(self.shadow.join(key), &path).map(drop).unwrap();
                }
                _ => fs::write(&path, []).unwrap(),
            }
        }
    }

    /// The environment of a process whose writes are watched.
    fn environment(&self) -> [(&'static str, &str); 3] {
        let text = |path: &'static str, value| (path, value);
        [
            text("LD_PRELOAD", self.shim.to_str().unwrap()),
            text("POWER_CUT_DIR", self.directory.to_str().unwrap()),
            text("POWER_CUT_SHADOW", self.shadow.to_str().unwrap()),
        ]
    }

    /// Starts a host on the disk.
    async fn start(&self, config: &str) -> Running {
        let host = self
            .environment()
            .into_iter()
            .fold(TestHost::new(), |host, (name, value)| host.env(name, value));
        host.data(&self.directory).config(config).start().await
    }

    /// Checks that everything in the store is there and whole, the components too.
    fn verify(&self) {
        let mut verify =
            cli_command(&["store", "verify", "--data", self.directory.to_str().unwrap()]);
        let output = verify.envs(self.environment()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Runs a script in the directory.
    fn run(&self, script: &str) {
        let status = Command::new("sh")
            .args(["-c", script])
            .current_dir(&self.directory)
            .envs(self.environment())
            .status();
        assert!(status.unwrap().success(), "{script}");
    }
}

/// The name in the shadow of a file or a directory.
fn key(path: &Path) -> String {
    let facts = fs::symlink_metadata(path).unwrap();
    let birth =
        facts.created().map_or(Duration::ZERO, |time| time.duration_since(UNIX_EPOCH).unwrap());
    format!("{}-{}-{}", facts.ino(), birth.as_secs(), birth.subsec_nanos())
}

fn empty() -> Disk {
    Disk::new(tempfile::tempdir().unwrap().path())
}

#[test]
fn what_is_only_written_is_lost() {
    let disk = empty();
    disk.run("echo x > file; sync .");
    disk.cut_power();
    assert_eq!(fs::read_to_string(disk.directory.join("file")).unwrap(), "");
}

#[test]
fn a_name_that_is_only_made_is_lost() {
    let disk = empty();
    disk.run("echo x > file; sync file; mkdir made");
    disk.cut_power();
    assert_eq!(fs::read_dir(&disk.directory).unwrap().count(), 0);
}

#[test]
fn what_is_synced_with_its_name_is_kept() {
    let disk = empty();
    disk.run("mkdir made; echo x > made/file; sync made/file made .; echo y >> made/file; mv made/file made/other");
    disk.cut_power();
    assert_eq!(fs::read_to_string(disk.directory.join("made/file")).unwrap(), "x\n");
    assert!(!disk.directory.join("made/other").exists());
}

#[test]
fn a_file_that_takes_the_place_of_another_without_a_sync_is_empty() {
    let disk = empty();
    disk.run("echo old > file; sync file .; echo new > new; mv new file; sync .");
    disk.cut_power();
    assert_eq!(fs::read_to_string(disk.directory.join("file")).unwrap(), "");
}

/// What was acknowledged, and what was asked for and perhaps not done.
struct Promise {
    subject: Subject,
    pending: Option<Subject>,
    count: u64,
    pending_count: u64,
}

/// Makes changes one after another, and counts in `kv` at the same time, until the power is cut.
async fn work(
    host: &Running,
    moment: Duration,
    random: &mut Random,
    versions: &[Vec<u8>; 2],
    promise: &mut Promise,
) {
    let Promise { subject, pending, count, pending_count } = promise;
    let change = async {
        loop {
            let change = match (&*subject, random.below(6)) {
                (None, _) => Change::Install(1),
                (Some(_), 0) => Change::Remove,
                (Some(_), 1) => Change::Disable,
                (Some(_), 2) => Change::Enable,
                (Some(_), 3) => Change::Install(2),
                (Some(_), _) => Change::Note(random.below(1_000_000)),
            };
            let Some(new) = change.after(subject) else { continue };
            *pending = Some(new.clone());
            if !change.ask(host, versions).await {
                return;
            }
            *subject = new;
        }
    };
    let counting = async {
        loop {
            *pending_count += 1;
            let body = json!({ "params": { "do": "kv-incr:n" } }).to_string();
            let answer = host
                .try_request(hyper::Method::POST, "/v1/actions/custom.test/before", body.into())
                .await;
            let Ok(answer) = answer else { return };
            let verdict: Value = answer.json();
            assert_eq!(trace(&verdict, "misbehaving")["outcome"], "proceed", "{verdict}");
            (*count, *pending_count) = (*count + 1, 0);
        }
    };
    killed_after(moment, host, async { tokio::join!(change, counting) }).await;
}

/// The count that the host kept.
async fn counted(host: &Running) -> u64 {
    let verdict = guests::tell(host, "kv-get:n").await;
    let record = logged(host, &verdict).await.remove(0);
    record.split('"').nth(1).unwrap().parse().unwrap_or(0)
}

#[tokio::test]
async fn what_was_acknowledged_survives() {
    const ROUNDS: u32 = 24;
    let versions = versions();
    let directory = guests::directory().await;
    let disk = Disk::new(&directory.path().join("data"));
    // A steady state: a host that ran and stopped.
    assert!(disk.start("").await.stop().await.success());
    let mut random = Random::new(5);
    let mut promise = Promise { subject: None, pending: None, count: 0, pending_count: 0 };
    let mut changes = 0;
    for round in 0..ROUNDS {
        let host = disk.start("").await;
        let begun = promise.count;
        let moment = random.part_of(Duration::from_millis(800));
        work(&host, moment, &mut random, &versions, &mut promise).await;
        drop(host);
        changes += promise.count - begun;
        disk.cut_power();
        let host = disk.start("").await;
        let (subject, count) = (observed(&host).await, counted(&host).await);
        let Promise { subject: acknowledged, pending, count: least, pending_count } = &promise;
        assert!(
            subject == *acknowledged || Some(&subject) == pending.as_ref(),
            "round {round}: {subject:?} of {acknowledged:?} or {pending:?}"
        );
        assert!(
            (*least..=least + pending_count).contains(&count),
            "round {round}: counted {count} of {least} and {pending_count}"
        );
        nothing_is_left_over(&host).await;
        promise = Promise { subject, pending: None, count, pending_count: 0 };
        drop(host);
        disk.cut_power();
        disk.verify();
    }
    assert!(changes > u64::from(ROUNDS), "only {changes} writes were acknowledged");
}

#[tokio::test]
async fn a_cut_while_the_host_starts_loses_nothing() {
    let directory = guests::directory().await;
    let disk = Disk::new(&directory.path().join("data"));
    let mut random = Random::new(6);
    let mut count = 0;
    for round in 0..10 {
        // Written and acknowledged, then killed: what is not yet on disk is still in the kernel.
        let host = disk.start("").await;
        for _ in 0..3 {
            guests::tell(&host, "kv-incr:n").await;
            count += 1;
        }
        drop(host);
        let moment = random.part_of(Duration::from_millis(150));
        let environment = disk
            .environment()
            .into_iter()
            .fold(TestHost::new(), |host, (name, value)| host.env(name, value));
        let host = environment.data(&disk.directory).spawn();
        tokio::time::sleep(moment).await;
        drop(host);
        disk.cut_power();
        let host = disk.start("").await;
        assert_eq!(counted(&host).await, count, "round {round}, cut {moment:?} after the start");
    }
}
