//! Puts what the client tests need outside the tree: a virtualenv, node's packages, and Debian's where one is missing.
//!
//! Each lives in a folder of the user's cache that is named after a hash of its pins, so that a changed pin makes a
//! new one. The file `complete` is written last: a folder without it was left half-made, and is made again.

use std::fs::{self, File, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::check::command::{in_path, output, stream};

/// The longest one installation may take, on a slow line.
const INSTALL_LIMIT: Duration = Duration::from_secs(20 * 60);
/// The pythons to look for, in this order; the first that is new enough is taken.
const PYTHONS: [&str; 4] = ["python3", "python3.11", "python3.12", "python3.13"];
/// All that steps may install by apt; README.md names them too.
pub(crate) const PACKAGES: [&str; 8] = [
    "python3-venv",
    "chromium",
    "haproxy",
    "nginx",
    "default-jdk-headless",
    "velocity",
    "libcommons-collections3-java",
    "libcommons-lang-java",
];
/// Written into a finished folder, with nothing in it.
const COMPLETE: &str = "complete";

/// The folder that everything goes into: `$XDG_CACHE_HOME/gatewright-check`, else `~/.cache/gatewright-check`.
///
/// # Errors
/// When there is no home, or the folder cannot be made.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path: &PathBuf| path.is_absolute());
    let base = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    let folder = base.context("neither XDG_CACHE_HOME nor HOME names a folder")?.join("gatewright-check");
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    Ok(folder)
}

/// A virtualenv with what `requirements` pins, below a name that begins so.
///
/// # Errors
/// When the file is missing, no Python from 3.11 is there, or the installation fails.
pub(crate) fn virtualenv(cache: &Path, name: &str, requirements: &Path) -> anyhow::Result<PathBuf> {
    let pins = read(requirements)?;
    let (python, version) = python()?;
    if output(Command::new(&python).args(["-c", "import ensurepip"])).is_err() {
        apt("python3-venv", "this Python cannot make a virtualenv")?;
    }
    made(cache, name, &[&pins, version.as_bytes()], |folder| {
        eprintln!("installing what {} pins into {}", requirements.display(), folder.display());
        let mut venv = Command::new(&python);
        venv.args(["-m", "venv"]).arg(folder);
        install(venv)?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet", "--requirement"]);
        pip.arg(requirements);
        install(pip)
    })
}

/// A `node_modules` with what `package-lock.json` in `clients` pins.
///
/// Its parent is ours alone, so tests may put folders beside it whose programs resolve their packages upwards to it.
///
/// # Errors
/// When a package file or npm is missing, or the installation fails.
pub(crate) fn node_modules(cache: &Path, clients: &Path) -> anyhow::Result<PathBuf> {
    let files = ["package.json", "package-lock.json"].map(|name| clients.join(name));
    let [package, lock] = [read(&files[0])?, read(&files[1])?];
    let version = output(Command::new("node").arg("--version")).context("the client tests need Node 20 or newer")?;
    anyhow::ensure!(in_path("npm"), "the client tests need npm, which comes with Node");
    let folder = made(cache, "node", &[&package, &lock, version.as_bytes()], |folder| {
        println!("installing what {} pins into {}", files[1].display(), folder.display());
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        // Settings of the project, such as how the lock file is written, apply here as they do there.
        let settings = Some(clients.join(".npmrc")).filter(|path| path.is_file());
        for file in files.iter().chain(&settings) {
            let to = folder.join(file.file_name().context("a package file has a name")?);
            fs::copy(file, &to).with_context(|| format!("copy {} to {}", file.display(), to.display()))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--no-update-notifier"]).current_dir(folder);
        install(npm)
    })?;
    Ok(folder.join("node_modules"))
}

/// A program from crates.io in this version; gives its file.
///
/// # Errors
/// When the installation fails, or there is no such program afterwards.
pub(crate) fn cargo_program(cache: &Path, cargo: &Path, name: &str, version: &str) -> anyhow::Result<PathBuf> {
    let folder = made(cache, name, &[version.as_bytes()], |folder| {
        println!("compiling {name} {version} into {}", folder.display());
        let mut command = Command::new(cargo);
        // It runs for a second; what takes long is optimising it.
        command.args(["install", name, "--version", version, "--locked", "--debug", "--root"]).arg(folder);
        install(command)
    })?;
    let program = folder.join("bin").join(name);
    anyhow::ensure!(program.is_file(), "cargo installed no {}", program.display());
    Ok(program)
}

/// Whether Debian's packages can be installed here at all.
///
/// # Errors
/// Says what is missing: apt, or the right to use it.
pub(crate) fn apt_is_there() -> anyhow::Result<()> {
    anyhow::ensure!(in_path("apt-get"), "there is no apt-get");
    let right = is_root() || output(Command::new("sudo").args(["-n", "true"])).is_ok();
    anyhow::ensure!(right, "neither root nor a sudo without password is there");
    Ok(())
}

fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

/// Installs one Debian package, as root or by a `sudo` that asks nothing, and says so before.
///
/// # Errors
/// When it cannot; the message says what to type instead.
pub(crate) fn apt(package: &str, why: &str) -> anyhow::Result<()> {
    let by_hand = format!("install it by hand: sudo apt-get install {package}");
    debug_assert!(PACKAGES.contains(&package), "{package} is not named where users look");
    apt_is_there().with_context(|| format!("{why}; {by_hand}"))?;
    let root = is_root();
    println!("installing Debian's package {package} into the system ({why})");
    for words in [&["update", "-qq"][..], &["install", "-y", "-qq", "--no-install-recommends", package]] {
        let mut command = Command::new(if root { "env" } else { "sudo" });
        if !root {
            command.args(["-n", "env"]);
        }
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(words);
        install(command).with_context(|| format!("{why}; {by_hand}"))?;
    }
    Ok(())
}

/// The folder `<name>-<hash of the pins>`, made by `make` unless it stands there complete.
///
/// Of two gates that need the same folder at once, one makes it and the other waits.
///
/// # Errors
/// When a file cannot be made, or `make` fails; the folder is made again the next time.
pub(crate) fn made(
    cache: &Path,
    name: &str,
    pins: &[&[u8]],
    make: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    pins.hash(&mut hasher);
    let folder = cache.join(format!("{name}-{:016x}", hasher.finish()));
    let lock = File::create(folder.with_extension("lock")).context("make a lock file")?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            println!("waiting for the gate that is just making {}", folder.display());
            let begun = Instant::now();
            lock.lock().context("wait for a lock")?;
            TOOK_MS.fetch_add(begun.elapsed().as_millis() as u64, Ordering::Relaxed);
        }
        Err(TryLockError::Error(error)) => return Err(error).context("take a lock"),
    }
    let complete = folder.join(COMPLETE);
    if complete.is_file() {
        return Ok(folder);
    }
    if folder.exists() {
        println!("{} was left half-made and is made again", folder.display());
        fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    make(&folder)?;
    File::create(&complete).with_context(|| format!("make {}", complete.display()))?;
    Ok(folder)
}

/// The first Python from 3.11, and what tells its environments from another's: its own path and version.
fn python() -> anyhow::Result<(PathBuf, String)> {
    let tell = "import sys; print(sys.executable, sys.version) if sys.version_info >= (3, 11) else sys.exit('too old')";
    for name in PYTHONS {
        if let Ok(version) = output(Command::new(name).args(["-c", tell])) {
            return Ok((name.into(), version));
        }
    }
    anyhow::bail!("the client tests need Python 3.11 or newer; found none along PATH ({})", PYTHONS.join(", "))
}

fn install(command: Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let begun = Instant::now();
    let ended = stream(command, INSTALL_LIMIT, |_| {});
    TOOK_MS.fetch_add(begun.elapsed().as_millis() as u64, Ordering::Relaxed);
    let status = ended?;
    anyhow::ensure!(status.success(), "{name}: {status}");
    Ok(())
}

/// How long this program has been installing in all, which depends on the line and not on the steps.
pub(crate) fn took() -> Duration {
    Duration::from_millis(TOOK_MS.load(Ordering::Relaxed))
}

static TOOK_MS: AtomicU64 = AtomicU64::new(0);

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cache folder of its own for one test, removed at its end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let folder = std::env::temp_dir().join(format!("xtask-installs-{name}-{}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            Scratch(folder)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn fill(folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder)?;
        Ok(fs::write(folder.join("content"), "made")?)
    }

    #[test]
    fn a_complete_folder_is_used_again() {
        let scratch = Scratch::new("again");
        let first = made(&scratch.0, "some", &[b"pins"], fill).unwrap();
        let second = made(&scratch.0, "some", &[b"pins"], |_| anyhow::bail!("made twice")).unwrap();
        assert_eq!(first, second);
    }

    #[test]
    fn a_changed_pin_makes_a_new_folder() {
        let scratch = Scratch::new("pin");
        let one = made(&scratch.0, "some", &[b"pin 1"], fill).unwrap();
        let two = made(&scratch.0, "some", &[b"pin 2"], fill).unwrap();
        assert_ne!(one, two);
    }

    #[test]
    fn a_half_made_folder_is_made_again() {
        let scratch = Scratch::new("half");
        let mut left = PathBuf::new();
        let failed = made(&scratch.0, "some", &[b"pins"], |folder| {
            left = folder.to_path_buf();
            fill(folder)?;
            fs::write(folder.join("rubbish"), "")?;
            anyhow::bail!("the line broke")
        });
        assert!(failed.is_err() && left.join("rubbish").exists());
        let folder = made(&scratch.0, "some", &[b"pins"], fill).unwrap();
        assert_eq!(folder, left);
        assert!(folder.join("content").exists() && !folder.join("rubbish").exists());
    }
}
