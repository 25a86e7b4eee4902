//! The machine that a panel runs on: what of a registration is there, and how the rest is brought about.
//!
//! Nothing of anybody else's is ever overwritten or taken away: what is in the way is said.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bridge::registration::{
    Invocation, OwnFile, Registration, Setting, Told, is_own_target,
};
use crate::cli::output::Failure;

/// Bytes of a file that is compared or changed.
const MAX_BYTES: u64 = 16 << 20;
/// How long a program of the panel may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A machine, or a directory that stands for one.
pub struct Machine {
    root: PathBuf,
}

/// One thing of a registration, and what is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is: `file`, `link`, `command`, `setting`.
    pub kind: &'static str,
    /// Where it is, or what is run.
    pub place: String,
    /// What is to be done.
    pub todo: Todo,
}

/// What is to be done about a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Todo {
    /// Nothing: it is as it should be.
    Nothing,
    /// Write a file.
    Write(OwnFile),
    /// Make a link.
    Link(PathBuf, PathBuf),
    /// Take away a file or a link; with it directories below this one that are left empty.
    Remove(PathBuf, PathBuf),
    /// Set a line of a configuration.
    Set(Setting),
    /// Run a program of the panel.
    Run(Invocation),
    /// Leave it to the operator, for this reason.
    ByHand(&'static str),
    /// Leave it: something of somebody else's is there.
    InTheWay(String),
}

/// Whether lines of a configuration that is not Palisade's own may be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settings {
    /// They may.
    Write,
    /// They are only named.
    Name,
}

impl Machine {
    /// The machine whose files are below this directory.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Whether the panel is on the machine.
    pub fn has(&self, registration: &Registration) -> bool {
        self.at(&registration.base).is_dir()
    }

    /// What there is to do for the registration to be there, and nothing of an earlier one.
    pub async fn steps(
        &self,
        own: &Registration,
        settings: Settings,
    ) -> Result<Vec<Step>, Failure> {
        let mut steps = self.stale(own)?;
        for file in &own.files {
            let todo = self.about_file(file)?;
            steps.push(Step { kind: "file", place: file.path.display().to_string(), todo });
        }
        for (path, target) in &own.links {
            let todo = self.about_link(path, target)?;
            steps.push(Step { kind: "link", place: path.display().to_string(), todo });
        }
        for setting in &own.settings {
            steps.extend(self.about_setting(setting, settings)?);
        }
        if let Some(told) = &own.told {
            steps.extend(self.about_told(told).await?);
        }
        Ok(steps)
    }

    /// Does what is to be done.
    pub async fn take(&self, step: &Step) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::new(format!("`{}`: {error}", step.place));
        match &step.todo {
            Todo::Nothing | Todo::ByHand(_) | Todo::InTheWay(_) => Ok(()),
            Todo::Write(file) => {
                self.replace(&file.path, file.contents.as_bytes(), file.mode).map_err(failed)
            }
            Todo::Link(path, target) => self.link(path, target).map_err(failed),
            Todo::Remove(path, above) => self.remove(path, above).map_err(failed),
            Todo::Set(setting) => self.set(setting).map_err(failed),
            Todo::Run(invocation) => self.run(invocation).await.map(drop),
        }
    }

    /// What an earlier registration left and this one does not have.
    fn stale(&self, own: &Registration) -> Result<Vec<Step>, Failure> {
        let mut steps = Vec::new();
        for place in &own.places {
            let root = glob::Pattern::escape(&self.root.to_string_lossy());
            let pattern = format!("{}{place}", root.trim_end_matches('/'));
            let found = glob::glob(&pattern)
                .map_err(|error| Failure::new(format!("`{pattern}` is no pattern: {error}")))?;
            // What stands before the first `*` is the panel's own.
            let fixed = place.split('*').next().unwrap_or_default();
            let above = Path::new(fixed.rsplit_once('/').map_or("/", |(above, _)| above));
            for path in found.flatten() {
                let inside = Path::new("/").join(path.strip_prefix(&self.root).unwrap_or(&path));
                let is_wanted = own.links.contains_key(&inside)
                    || own.files.iter().any(|file| file.path == inside);
                if is_wanted || !self.is_own(&inside)? {
                    continue;
                }
                let kind = if path.is_symlink() { "link" } else { "file" };
                let place = inside.display().to_string();
                steps.push(Step { kind, place, todo: Todo::Remove(inside, above.to_owned()) });
            }
        }
        Ok(steps)
    }

    /// Whether what stands there was put there by a registration.
    fn is_own(&self, path: &Path) -> Result<bool, Failure> {
        match self.found(path)? {
            Found::Link(target) => Ok(is_own_target(&target)),
            Found::File(contents, _) => Ok(OwnFile::is_own(path, &contents)),
            Found::Nothing | Found::Other => Ok(false),
        }
    }

    fn about_file(&self, file: &OwnFile) -> Result<Todo, Failure> {
        Ok(match self.found(&file.path)? {
            Found::Nothing => Todo::Write(file.clone()),
            Found::File(contents, mode) if contents == file.contents.as_bytes() => {
                match mode == file.mode {
                    true => Todo::Nothing,
                    false => Todo::Write(file.clone()),
                }
            }
            Found::File(contents, _) if OwnFile::is_own(&file.path, &contents) => {
                Todo::Write(file.clone())
            }
            Found::File(..) => Todo::InTheWay("a file of somebody else's".to_owned()),
            Found::Link(target) => Todo::InTheWay(format!("a link to `{}`", target.display())),
            Found::Other => Todo::InTheWay("no file".to_owned()),
        })
    }

    fn about_link(&self, path: &Path, target: &Path) -> Result<Todo, Failure> {
        Ok(match self.found(path)? {
            Found::Link(found) if found == target => Todo::Nothing,
            Found::Link(found) if !is_own_target(&found) => {
                Todo::InTheWay(format!("a link to `{}`", found.display()))
            }
            Found::Nothing | Found::Link(_) => Todo::Link(path.to_owned(), target.to_owned()),
            Found::File(..) => Todo::InTheWay("a file of somebody else's".to_owned()),
            Found::Other => Todo::InTheWay("no link".to_owned()),
        })
    }

    fn about_setting(&self, own: &Setting, may: Settings) -> Result<Option<Step>, Failure> {
        let file = match self.found(&own.file)? {
            Found::File(contents, _) => contents,
            Found::Nothing => Vec::new(),
            Found::Link(_) | Found::Other => {
                return Err(Failure::new(format!("`{}` is no file", own.file.display())));
            }
        };
        let found = own.found(&file).unwrap_or_default();
        let is_own = found.is_empty() || Setting::is_own(&found);
        let todo = match () {
            () if found == own.value => Todo::Nothing,
            // Nothing is wanted, and what is there is not ours to take.
            () if own.value.is_empty() && !is_own => return Ok(None),
            () if !is_own => Todo::InTheWay(format!("the command `{found}`")),
            // What an earlier registration set is taken away as it was put there.
            () if may == Settings::Write || own.value.is_empty() => Todo::Set(own.clone()),
            () => Todo::ByHand("set it, or have it set by --write"),
        };
        let place = format!("{}={} in {}", own.key, own.value, own.file.display());
        Ok(Some(Step { kind: "setting", place, todo }))
    }

    async fn about_told(&self, told: &Told) -> Result<Vec<Step>, Failure> {
        let list = told.list();
        let step =
            |place: &Invocation, todo| Step { kind: "command", place: place.to_string(), todo };
        if self.program(&list).is_none() {
            let missing = told.missing("");
            let by_hand = |command| step(command, Todo::ByHand("the panel's program is not here"));
            return Ok(missing.iter().map(by_hand).collect());
        }
        let listed = self.run(&list).await?;
        let missing = told.missing(&listed);
        match missing.is_empty() {
            true => Ok(vec![step(&list, Todo::Nothing)]),
            false => Ok(missing.iter().map(|run| step(run, Todo::Run(run.clone()))).collect()),
        }
    }

    /// Runs a program of the panel, and returns what it printed.
    async fn run(&self, invocation: &Invocation) -> Result<String, Failure> {
        let failed = |reason: &str| Failure::new(format!("`{invocation}` {reason}"));
        let program =
            self.program(invocation).ok_or_else(|| failed("cannot be run: it is not here"))?;
        let running = tokio::process::Command::new(program)
            .args(&invocation.arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(PATIENCE, running)
            .await
            .map_err(|_| failed(&format!("did not end in {} s", PATIENCE.as_secs())))?
            .map_err(|error| failed(&format!("cannot be run: {error}")))?;
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(failed(&format!("failed with {}", output.status)).with_hint(
                [said(&output.stderr), said(&output.stdout)]
                    .into_iter()
                    .find(|text| !text.is_empty())
                    .unwrap_or_default(),
            )),
        }
    }

    fn program(&self, invocation: &Invocation) -> Option<PathBuf> {
        let paths = invocation.program.iter().map(|path| self.at(Path::new(path)));
        paths.into_iter().find(|path| path.is_file())
    }

    fn at(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn found(&self, path: &Path) -> Result<Found, Failure> {
        let failed =
            |error: &dyn std::fmt::Display| Failure::new(format!("`{}`: {error}", path.display()));
        let at = self.at(path);
        let about = match fs::symlink_metadata(&at) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            about => about.map_err(|error| failed(&error))?,
        };
        match about.file_type() {
            kind if kind.is_symlink() => {
                fs::read_link(at).map(Found::Link).map_err(|error| failed(&error))
            }
            kind if kind.is_file() && about.len() <= MAX_BYTES => fs::read(at)
                .map(|contents| Found::File(contents, about.permissions().mode() & 0o7777))
                .map_err(|error| failed(&error)),
            kind if kind.is_file() => Err(failed(&format!("it has more than {MAX_BYTES} bytes"))),
            _ => Ok(Found::Other),
        }
    }

    /// Puts a file in place whole, never in part.
    fn replace(&self, path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
        let at = self.at(path);
        let directory = at.parent().unwrap_or(&self.root);
        fs::create_dir_all(directory)?;
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(contents)?;
        file.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
        file.as_file().sync_all()?;
        file.persist(at).map(drop).map_err(|error| error.error)
    }

    fn link(&self, path: &Path, target: &Path) -> io::Result<()> {
        let at = self.at(path);
        let directory = at.parent().unwrap_or(&self.root);
        fs::create_dir_all(directory)?;
        // Made beside and moved, so that the panel finds the old link or the new one. No panel runs a hidden file.
        let beside = tempfile::Builder::new()
            .prefix(".palisade-")
            .make_in(directory, |path| symlink(target, path))?;
        beside.persist(at).map(drop).map_err(|error| error.error)
    }

    fn remove(&self, path: &Path, above: &Path) -> io::Result<()> {
        let at = self.at(path);
        fs::remove_file(&at)?;
        let above = self.at(above);
        let mut directory = at.parent();
        while let Some(empty) = directory.filter(|it| *it != above && it.starts_with(&above)) {
            // One with something in it stays.
            if fs::remove_dir(empty).is_err() {
                break;
            }
            directory = empty.parent();
        }
        Ok(())
    }

    fn set(&self, setting: &Setting) -> io::Result<()> {
        let at = self.at(&setting.file);
        match fs::metadata(&at) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.replace(&setting.file, &setting.set_in(b""), 0o600)
            }
            about => {
                let about = about?;
                let contents = setting.set_in(&fs::read(&at)?);
                self.replace(&setting.file, &contents, about.permissions().mode() & 0o7777)?;
                chown(at, Some(about.uid()), Some(about.gid()))
            }
        }
    }
}

/// What stands at a path.
enum Found {
    Nothing,
    Link(PathBuf),
    File(Vec<u8>, u32),
    Other,
}

impl Step {
    /// Whether something is to be done.
    pub fn is_open(&self) -> bool {
        self.todo != Todo::Nothing
    }

    /// The word for it once it is done, or why it is not.
    pub fn done(&self) -> String {
        match &self.todo {
            Todo::Nothing => "there already".to_owned(),
            Todo::Write(_) => "written".to_owned(),
            Todo::Link(_, target) => format!("linked to {}", target.display()),
            Todo::Remove(..) => "taken away".to_owned(),
            Todo::Set(_) => "set".to_owned(),
            Todo::Run(_) => "run".to_owned(),
            Todo::ByHand(why) => format!("to be done by hand: {why}"),
            Todo::InTheWay(what) => format!("not done: {what} is in the way"),
        }
    }

    /// The word for it while it is not done.
    pub fn lacking(&self) -> String {
        match &self.todo {
            Todo::Nothing => "there".to_owned(),
            Todo::Remove(..) => "left over".to_owned(),
            Todo::Write(_) | Todo::Link(..) | Todo::Set(_) | Todo::Run(_) => "missing".to_owned(),
            Todo::ByHand(why) => format!("not known to be there: {why}"),
            Todo::InTheWay(what) => format!("missing: {what} is in the way"),
        }
    }

    /// For a program.
    pub fn told(&self, state: String) -> Value {
        json!({ "kind": self.kind, "place": self.place, "state": state })
    }
}
