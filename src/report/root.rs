//! Names of files for reports that are read somewhere else, such as by a CI system: they start at the
//! root of the repository, wherever in it hoist runs.

use std::path::{Component, Path};

/// The root of the repository, and the way from there to the directory that hoist runs in.
#[derive(Clone, Debug, Default)]
pub struct Root {
    /// Parts of the root's path.
    root: Vec<String>,
    /// Parts of the path of the directory that hoist runs in; it begins with those of the root.
    here: Vec<String>,
}

impl Root {
    /// `root` is `here`, or a directory above it. Both are absolute; if `here` is not below `root`,
    /// names start at `here`.
    #[must_use]
    pub fn new(root: &Path, here: &Path) -> Self {
        let root = if here.starts_with(root) { root } else { here };
        Self {
            root: parts(root),
            here: parts(here),
        }
    }

    /// A name, as findings have it, relative to the root; `None` where the file lies outside.
    #[must_use]
    pub fn inside(&self, name: &str) -> Option<String> {
        let path = self.absolute(name);
        let below = path.strip_prefix(self.root.as_slice())?;
        (!below.is_empty()).then(|| below.join("/"))
    }

    /// The same, or the name as it is.
    #[must_use]
    pub fn name(&self, name: &str) -> String {
        self.inside(name).unwrap_or_else(|| name.to_owned())
    }

    /// The root itself, as a `file` URI that ends with a slash.
    #[must_use]
    pub fn uri(&self) -> String {
        let parts = self.root.iter().map(|part| encode(part) + "/");
        format!("file:///{}", parts.collect::<String>())
    }

    /// An absolute `file` URI.
    #[must_use]
    pub fn absolute_uri(&self, name: &str) -> String {
        format!("file:///{}", encode(&self.absolute(name).join("/")))
    }

    /// The parts of a file's path, with `..` followed.
    fn absolute(&self, name: &str) -> Vec<String> {
        let mut path = match name.starts_with('/') {
            true => Vec::new(),
            false => self.here.clone(),
        };
        for part in name.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(path.pop()),
                part => path.push(part.to_owned()),
            }
        }
        path
    }
}

fn parts(path: &Path) -> Vec<String> {
    let named = path.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
        Component::Prefix(part) => Some(part.as_os_str().to_string_lossy().into_owned()),
        _ => None,
    });
    named.collect()
}

/// A path with everything percent-encoded that may not stand in the path of a URI (RFC 3986, 3.3).
#[must_use]
pub fn encode(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(byte)),
            b'/' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_start_at_the_root() {
        let root = Root::new(Path::new("/srv/repo"), Path::new("/srv/repo/apps/web"));
        for (name, inside, uri) in [
            (
                "flags/a.yaml",
                Some("apps/web/flags/a.yaml"),
                "file:///srv/repo/apps/web/flags/a.yaml",
            ),
            (
                "../../flags/a.yaml",
                Some("flags/a.yaml"),
                "file:///srv/repo/flags/a.yaml",
            ),
            ("../../../b.yaml", None, "file:///srv/b.yaml"),
            ("/etc/ä b.yaml", None, "file:///etc/%C3%A4%20b.yaml"),
            (
                "/srv/repo/./a.yaml",
                Some("a.yaml"),
                "file:///srv/repo/a.yaml",
            ),
            ("../..", None, "file:///srv/repo"),
            ("../../../../../../b.yaml", None, "file:///b.yaml"),
        ] {
            assert_eq!(root.inside(name).as_deref(), inside, "{name}");
            assert_eq!(root.name(name), inside.unwrap_or(name));
            assert_eq!(root.absolute_uri(name), uri);
        }
        assert_eq!(root.uri(), "file:///srv/repo/");
        assert_eq!(Root::default().uri(), "file:///");
    }

    #[test]
    fn without_a_repository_they_start_where_hoist_runs() {
        let root = Root::new(Path::new("/elsewhere"), Path::new("/work"));
        assert_eq!(root.inside("flags/a.yaml").as_deref(), Some("flags/a.yaml"));
        assert_eq!(root.inside("../a.yaml"), None);
    }

    #[test]
    fn a_path_is_encoded_byte_by_byte() {
        assert_eq!(encode("flags/a-b_c.d~e"), "flags/a-b_c.d~e");
        assert_eq!(encode("a b#c?d:e%é"), "a%20b%23c%3Fd%3Ae%25%C3%A9");
    }
}
