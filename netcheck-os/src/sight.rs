//! What an observation came to: seen, nothing there, or not told by this system.

/// What an observation came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sight<T> {
    /// It was seen.
    Seen(T),
    /// The system would have told, and there was nothing.
    #[default]
    Nothing,
    /// The system does not tell: nothing follows from it.
    Blind,
}

impl<T> Sight<T> {
    /// What was seen, if anything.
    #[must_use]
    pub fn seen(self) -> Option<T> {
        match self {
            Sight::Seen(seen) => Some(seen),
            Sight::Nothing | Sight::Blind => None,
        }
    }

    /// The same of a reference.
    #[must_use]
    pub fn as_ref(&self) -> Sight<&T> {
        match self {
            Sight::Seen(seen) => Sight::Seen(seen),
            Sight::Nothing => Sight::Nothing,
            Sight::Blind => Sight::Blind,
        }
    }

    /// Whether the system does not tell.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        matches!(self, Sight::Blind)
    }

    /// Whether the system would have told, and there was nothing.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        matches!(self, Sight::Nothing)
    }

    /// What was seen, in another form.
    #[must_use]
    pub fn map<U>(self, form: impl FnOnce(T) -> U) -> Sight<U> {
        match self {
            Sight::Seen(seen) => Sight::Seen(form(seen)),
            Sight::Nothing => Sight::Nothing,
            Sight::Blind => Sight::Blind,
        }
    }
}

impl<T> From<Option<T>> for Sight<T> {
    /// Of a system that tells: `None` is nothing.
    fn from(found: Option<T>) -> Self {
        found.map_or(Sight::Nothing, Sight::Seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_not_nothing() {
        assert!(Sight::<u8>::Nothing.is_nothing() && !Sight::<u8>::Blind.is_nothing());
        assert_eq!(Sight::Seen(3).map(|n| n + 1).seen(), Some(4));
        assert_eq!(Sight::<u8>::Blind.map(|n| n + 1), Sight::Blind);
        assert_eq!(Sight::from(None::<u8>), Sight::Nothing);
    }
}
