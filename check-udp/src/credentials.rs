//! The long-term credentials of a TURN server, as the environment gives them.

/// Name and password.
#[derive(Clone)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl Credentials {
    /// TURN_USERNAME and TURN_PASSWORD of the environment.
    ///
    /// # Errors
    /// Only one of them is there.
    pub fn from_environment() -> Result<Option<Credentials>, String> {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        match (set("TURN_USERNAME"), set("TURN_PASSWORD")) {
            (Some(user), Some(password)) => Ok(Some(Credentials { user, password })),
            (None, None) => Ok(None),
            _ => Err("TURN_USERNAME and TURN_PASSWORD are given together or not at all".to_owned()),
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The password must not reach a log.
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}
