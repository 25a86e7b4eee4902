//! Giving up root: panels start handlers as root, and nothing here needs it.

use std::fs;

use rustix::process::{Gid, Uid};
use rustix::thread;

/// The number of the user and the group that own nothing.
const NOBODY: u32 = 65_534;

/// Becomes this user for good, if the program runs as root. It has one thread, so that what the kernel changes for a
/// thread is changed for all of it.
pub fn drop(user: &str) -> Result<(), String> {
    if !rustix::process::geteuid().is_root() && !rustix::process::getuid().is_root() {
        return Ok(());
    }
    match account(user) {
        Ok((uid, gid)) => turn_into(user, uid, gid),
        Err(error) => {
            // Nobody in particular, then: what is left to do needs no rights at all.
            turn_into("nobody", NOBODY, NOBODY)?;
            Err(error)
        }
    }
}

fn turn_into(user: &str, uid: u32, gid: u32) -> Result<(), String> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    let became = thread::set_thread_groups(&[])
        .and_then(|()| thread::set_thread_res_gid(gid, gid, gid))
        .and_then(|()| thread::set_thread_res_uid(uid, uid, uid))
        .and_then(|()| thread::set_no_new_privs(true));
    became.map_err(|error| format!("it cannot become the user `{user}`: {error}"))?;
    match rustix::process::getuid() == uid && rustix::process::geteuid() == uid {
        true => Ok(()),
        false => Err(format!("it did not become the user `{user}`")),
    }
}

/// The numbers of a user that has rights of its own only, and of its group.
pub fn account(user: &str) -> Result<(u32, u32), String> {
    let passwd = fs::read_to_string("/etc/passwd")
        .map_err(|error| format!("`/etc/passwd` cannot be read: {error}"))?;
    find(&passwd, user).ok_or_else(|| {
        format!("there is no user `{user}` with rights of its own only: create it, or name another in `user`")
    })
}

/// The user's and its group's number. Root is none, by whatever name.
fn find(passwd: &str, user: &str) -> Option<(u32, u32)> {
    let line = passwd.lines().find(|line| line.split(':').next() == Some(user))?;
    let mut fields = line.split(':').skip(2);
    let (uid, gid) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    (uid != 0 && gid != 0).then_some((uid, gid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0::/:\npalisade2:x:5:5::/:\npalisade:x:998:997::/:/bin/false\ntoor:x:0:0:\nstaff:x:7:0:\nbad:x:y:1:\n";
        assert_eq!(find(passwd, "palisade"), Some((998, 997)));
        for none in ["root", "toor", "staff", "bad", "nobody", ""] {
            assert_eq!(find(passwd, none), None, "{none}");
        }
    }
}
