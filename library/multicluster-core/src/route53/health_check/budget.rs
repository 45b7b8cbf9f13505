//! How many health checks an account may have.

use crate::dns::Problem;

/// The account's limit and use, as GetAccountLimit and GetHealthCheckCount say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// 200, unless AWS was asked for more.
    pub limit: usize,
    /// All checks of the account, whoever made them.
    pub in_use: usize,
}

impl Budget {
    /// Refuses more checks than there is room for. Replaced ones count beside those that replace them.
    ///
    /// # Errors
    /// A [`Problem`] that names what is needed and what there is.
    pub fn check(self, new: usize) -> Result<(), Problem> {
        let Self { limit, in_use } = self;
        if in_use + new <= limit {
            return Ok(());
        }
        let text = format!(
            "{new} more health checks are needed, and the account has {in_use} of {limit} in use: ask AWS for a higher \
             limit, remove unused ones, or check fewer endpoints"
        );
        Err(Problem::at(["health_check"], text))
    }
}
