//! Where the lab keeps what outlives a run: built tools, and the directories of running labs.
//!
//! Outside `target/`, because `cargo clean` must not cost ten minutes of compiling Go.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// `$MULTICLUSTER_LAB_CACHE`, else `$XDG_CACHE_HOME/multicluster-lab`, else `~/.cache/multicluster-lab`.
///
/// # Errors
/// When none of the three variables is set.
pub fn directory() -> anyhow::Result<PathBuf> {
    choose(|name| std::env::var_os(name)).context("set MULTICLUSTER_LAB_CACHE, XDG_CACHE_HOME or HOME")
}

/// The directory under which running labs have theirs.
pub(crate) fn labs(cache: &Path) -> PathBuf {
    cache.join("labs")
}

fn choose(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // An empty variable counts as unset, as the XDG specification says; a relative path would move with the
    // working directory.
    let set = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    set("MULTICLUSTER_LAB_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("multicluster-lab")))
        .or_else(|| set("HOME").map(|home| home.join(".cache").join("multicluster-lab")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)], expected: Option<&str>) {
        let found = choose(|name| {
            variables.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value))
        });
        assert_eq!(found, expected.map(PathBuf::from));
    }

    #[test]
    fn the_most_specific_variable_wins() {
        check(&[("HOME", "/h")], Some("/h/.cache/multicluster-lab"));
        check(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")], Some("/x/multicluster-lab"));
        check(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x"), ("MULTICLUSTER_LAB_CACHE", "/l")], Some("/l"));
    }

    #[test]
    fn empty_and_relative_values_count_as_unset() {
        check(&[("HOME", "/h"), ("XDG_CACHE_HOME", "")], Some("/h/.cache/multicluster-lab"));
        check(&[("HOME", "/h"), ("MULTICLUSTER_LAB_CACHE", "lab")], Some("/h/.cache/multicluster-lab"));
        check(&[], None);
    }
}
