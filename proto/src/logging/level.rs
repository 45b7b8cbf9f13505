//! Which events are written.

use std::env;

use tracing_subscriber::filter::{LevelFilter, Targets};

/// Libraries whose debug and trace events show frames, headers and keys rather than what a user asks about.
/// They are heard from warnings on, whatever level is wanted.
const QUIET: [&str; 8] =
    ["h2", "hyper", "hyper_util", "kube_client", "rustls", "tokio_util", "tonic", "tower"];

/// The variables that set the host's level for providers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// `TF_LOG`: everything.
    pub all: Option<String>,
    /// `TF_LOG_PROVIDER`: all providers; goes before `TF_LOG`.
    pub providers: Option<String>,
    /// `TF_LOG_PROVIDER_MULTICLUSTER`: this provider; goes before both.
    pub this_provider: Option<String>,
}

impl Wanted {
    /// Reads the environment. `module` is `provider.NAME`.
    pub(super) fn of_process(module: &str) -> Self {
        let value = |name: &str| env::var(name).ok();
        let name = module.rsplit('.').next().unwrap_or(module).to_uppercase().replace('-', "_");
        Self {
            all: value("TF_LOG"),
            providers: value("TF_LOG_PROVIDER"),
            this_provider: value(&format!("TF_LOG_PROVIDER_{name}")),
        }
    }
}

/// The most talkative level that is written. Without a wish: warnings and errors. An unreadable wish is taken as
/// trace, as hosts do.
#[must_use]
pub fn level_of(wanted: &Wanted) -> LevelFilter {
    let wish = [&wanted.this_provider, &wanted.providers, &wanted.all].into_iter().flatten();
    match wish.map(|wish| wish.trim().to_ascii_uppercase()).find(|wish| !wish.is_empty()) {
        None => LevelFilter::WARN,
        Some(wish) => match wish.as_str() {
            "OFF" => LevelFilter::OFF,
            "ERROR" => LevelFilter::ERROR,
            "WARN" => LevelFilter::WARN,
            "INFO" => LevelFilter::INFO,
            "DEBUG" => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        },
    }
}

/// Applies a level, and keeps the quiet libraries quiet.
pub(super) fn filter(level: LevelFilter) -> Targets {
    let quiet = level.min(LevelFilter::WARN);
    Targets::new().with_default(level).with_targets(QUIET.map(|library| (library, quiet)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tracing::Level;

    use super::*;

    #[rstest]
    #[case::nothing_is_said([None, None, None], LevelFilter::WARN)]
    #[case::for_everything([Some("INFO"), None, None], LevelFilter::INFO)]
    #[case::in_lower_case([Some("debug"), None, None], LevelFilter::DEBUG)]
    #[case::providers_go_first([Some("TRACE"), Some("ERROR"), None], LevelFilter::ERROR)]
    #[case::this_one_goes_before_all([Some("TRACE"), Some("ERROR"), Some("INFO")], LevelFilter::INFO)]
    #[case::empty_is_unset([Some("INFO"), Some(""), None], LevelFilter::INFO)]
    #[case::off([Some("OFF"), None, None], LevelFilter::OFF)]
    #[case::json_is_trace([Some("JSON"), None, None], LevelFilter::TRACE)]
    #[case::unreadable_is_trace([Some("1"), None, None], LevelFilter::TRACE)]
    fn level_is_that_of_the_host(#[case] wanted: [Option<&str>; 3], #[case] expected: LevelFilter) {
        let [all, providers, this_provider] = wanted.map(|wish| wish.map(str::to_owned));
        assert_eq!(level_of(&Wanted { all, providers, this_provider }), expected);
    }

    #[rstest]
    #[case::ours("tfplugin::serve", Level::TRACE, true)]
    #[case::frames("h2::codec", Level::DEBUG, false)]
    #[case::a_library_in_trouble("h2::codec", Level::WARN, true)]
    fn libraries_are_quiet(#[case] target: &str, #[case] level: Level, #[case] written: bool) {
        assert_eq!(filter(LevelFilter::TRACE).would_enable(target, &level), written);
    }

    #[test]
    fn off_silences_libraries_too() {
        assert!(!filter(LevelFilter::OFF).would_enable("h2", &Level::ERROR));
    }
}
