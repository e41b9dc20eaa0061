//! Who asks.

/// Who asks for a flag. Made once for a request; evaluating with it allocates nothing.
///
/// ```
/// use hoist::client::Context;
///
/// let ana = Context::user("ana").with_group("employees");
/// assert_eq!(ana.user_id(), Some("ana"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    user: Option<Box<str>>,
    groups: Vec<Box<str>>,
}

impl Context {
    /// Nobody in particular: no user, no groups. There is no bucket to draw, so that a share below
    /// 100 % gives false, or the control.
    #[must_use]
    pub fn nobody() -> Self {
        Self::default()
    }

    /// A user, by the id that flag files and buckets know.
    #[must_use]
    pub fn user(id: impl Into<Box<str>>) -> Self {
        Self {
            user: Some(id.into()),
            groups: Vec::new(),
        }
    }

    /// The same user, in a further group.
    #[must_use]
    pub fn with_group(mut self, group: impl Into<Box<str>>) -> Self {
        self.groups.push(group.into());
        self
    }

    /// The same user, in further groups.
    #[must_use]
    pub fn with_groups<G: Into<Box<str>>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.groups.extend(groups.into_iter().map(Into::into));
        self
    }

    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.user.as_deref()
    }

    #[must_use]
    pub fn groups(&self) -> &[Box<str>] {
        &self.groups
    }
}
