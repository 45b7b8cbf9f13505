//! Which credential helpers the text of a kubeconfig may start, and how.
//!
//! The text may come from anywhere, and starting a known program is not harmless in itself: with other arguments
//! `aws` copies files, and with another `PATH` it is another program. So the arguments and variables that the clouds
//! write into kubeconfigs are known here, and everything else needs the user's word.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::ConnectionError;

struct Known {
    command: &'static str,
    /// Words that are no flags, in order.
    words: &'static [&'static str],
    /// Flags, each with or without a value.
    flags: &'static [&'static str],
    variables: &'static [&'static str],
}

const KNOWN: [Known; 4] = [
    Known {
        command: "aws",
        words: &["eks", "get-token"],
        flags: &[
            "--region",
            "--cluster-name",
            "--cluster-id",
            "--role-arn",
            "--role",
            "--profile",
            "--output",
        ],
        variables: &["AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_STS_REGIONAL_ENDPOINTS"],
    },
    Known {
        command: "aws-iam-authenticator",
        words: &["token"],
        flags: &["-i", "--cluster-id", "-r", "--role", "--region", "-s", "--session-name"],
        variables: &["AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_STS_REGIONAL_ENDPOINTS"],
    },
    Known {
        command: "gke-gcloud-auth-plugin",
        words: &[],
        flags: &["--use_application_default_credentials"],
        variables: &["USE_GKE_GCLOUD_AUTH_PLUGIN"],
    },
    Known {
        command: "kubelogin",
        words: &["get-token"],
        flags: &["--environment", "--server-id", "--client-id", "--tenant-id", "-t", "--login", "-l"],
        variables: &["AAD_LOGIN_METHOD"],
    },
];

/// Whether kubeconfig text may start this without the user's word.
pub(super) fn check(
    command: &str,
    args: &[String],
    env: &BTreeMap<String, SecretString>,
) -> Result<(), ConnectionError> {
    let refuse = |reason| {
        let command = command.chars().filter(|c| !c.is_control()).take(80).collect();
        Err(ConnectionError::ExecNotAllowed { command, reason })
    };
    let Some(known) = KNOWN.iter().find(|known| known.command == command) else {
        return refuse("which is not a known credential helper");
    };
    if !env.keys().all(|name| known.variables.contains(&name.as_str())) {
        return refuse("with environment variables that this helper does not need");
    }
    if !known.arguments_fit(args) {
        return refuse("with arguments that are not the usual ones");
    }
    Ok(())
}

impl Known {
    fn arguments_fit(&self, args: &[String]) -> bool {
        let mut words = self.words.iter();
        let mut after_flag = false;
        for arg in args {
            let (flag, value_is_attached) = match arg.split_once('=') {
                Some((flag, _)) => (flag, true),
                None => (arg.as_str(), false),
            };
            if self.flags.contains(&flag) {
                after_flag = !value_is_attached;
            } else if arg.starts_with('-') {
                return false;
            } else if std::mem::take(&mut after_flag) {
                // A flag's value. A flag without one in front of a word fails below, for the word is then missing.
            } else if words.next().is_none_or(|word| word != arg) {
                return false;
            }
        }
        words.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::eks("aws --region eu-west-1 eks get-token --cluster-name shop --output json", true)]
    #[case::eks_with_role("aws eks get-token --cluster-name=shop --role-arn arn:aws:iam::1:role/x", true)]
    #[case::authenticator("aws-iam-authenticator token -i shop", true)]
    #[case::gke("gke-gcloud-auth-plugin", true)]
    #[case::aks(
        "kubelogin get-token --environment AzurePublicCloud --server-id s --client-id c --tenant-id t --login azurecli",
        true
    )]
    #[case::another_program("sh -c id", false)]
    #[case::a_path("/tmp/aws eks get-token", false)]
    #[case::another_command_of_aws("aws s3 cp secret s3://bucket", false)]
    #[case::too_many_words("aws eks get-token more", false)]
    #[case::too_few_words("aws eks", false)]
    #[case::another_endpoint("aws eks get-token --endpoint-url http://evil", false)]
    #[case::another_endpoint_attached("aws eks get-token --endpoint-url=http://evil", false)]
    #[case::another_authority("kubelogin get-token --authority-host http://evil", false)]
    fn commands(#[case] line: &str, #[case] allowed: bool) {
        let mut words = line.split(' ').map(str::to_owned);
        let command = words.next().unwrap();
        let args: Vec<_> = words.collect();
        assert_eq!(check(&command, &args, &BTreeMap::new()).is_ok(), allowed);
    }

    #[rstest]
    #[case::profile("AWS_PROFILE", true)]
    #[case::search_path("PATH", false)]
    #[case::loader("LD_PRELOAD", false)]
    #[case::configuration_that_starts_programs("AWS_CONFIG_FILE", false)]
    fn variables(#[case] name: &str, #[case] allowed: bool) {
        let env = BTreeMap::from([(name.to_owned(), SecretString::from("x"))]);
        let args = ["eks".to_owned(), "get-token".to_owned()];
        assert_eq!(check("aws", &args, &env).is_ok(), allowed);
    }
}
