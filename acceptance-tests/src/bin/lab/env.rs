//! The variables under which other programs find the lab that is up.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use acceptance_tests::{Lab, Mirror, Plugin, Progress, ProviderVariant, Terraform, provider_build};

/// Builds the provider, puts it into the lab's mirror and returns all variables.
pub(crate) fn of(lab: &Lab) -> anyhow::Result<BTreeMap<String, String>> {
    let binary = provider_build::build(ProviderVariant::Plain, Progress::Stderr)?;
    let mirror = Mirror::create(&lab.directory().join("mirror"), &[Plugin::multicluster(binary)])?;
    let mut variables = lab.env();
    variables.extend(mirror.env());
    Ok(variables)
}

/// Lines for `eval`.
pub(crate) fn export_lines(variables: &BTreeMap<String, String>) -> String {
    variables
        .iter()
        .map(|(name, value)| format!("export {name}='{}'\n", value.replace('\'', r"'\''")))
        .collect()
}

/// Runs terraform with the caller's own streams.
pub(crate) async fn terraform(
    variables: BTreeMap<String, String>,
    directory: PathBuf,
    program: PathBuf,
    arguments: &[String],
) -> anyhow::Result<ExitCode> {
    let terraform = Terraform::new(directory, program, variables);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let code = terraform.run_attached(&arguments).await?;
    Ok(code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_a_path_does_not_end_the_value() {
        let variables = BTreeMap::from([("KUBECONFIG".to_owned(), "/it's/here".to_owned())]);
        assert_eq!(export_lines(&variables), "export KUBECONFIG='/it'\\''s/here'\n");
    }
}
