//! Passwords in hoist.toml, kept out of what is shown of it.

use crate::secret::blot;

/// `text` with the passwords of the URLs in it blotted out. Every character keeps its length in
/// bytes, so that spans and columns stay what they are.
///
/// The text may be no TOML and the URL no URL: from the start of what looks like one to the last `@`
/// of its line, only a user name is left.
#[must_use]
pub fn mask_secrets(text: &str) -> String {
    text.split_inclusive('\n').map(mask_line).collect()
}

fn mask_line(line: &str) -> String {
    let mut secret = Vec::new();
    let start = line
        .find("//")
        .map(|at| at + 2)
        .or_else(|| line.find(['"', '\'']).map(|at| at + 1));
    if let (Some(start), Some(end)) = (start, line.rfind('@'))
        && let Some((user, _)) = line.get(start..end).and_then(|login| login.split_once(':'))
    {
        secret.push(start + user.len() + 1..end);
    }
    for (at, name) in line.match_indices("pass=") {
        let start = at + name.len();
        let value = line.get(start..).unwrap_or_default();
        let length = value
            .find(['&', '"', '\'', '\n', '\r'])
            .unwrap_or(value.len());
        secret.push(start..start + length);
    }
    let is_secret = |at: usize| secret.iter().any(|range| range.contains(&at));
    line.char_indices()
        .map(|(at, c)| if is_secret(at) { blot(c) } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::mask_secrets;

    #[test]
    fn passwords_are_blotted_out() {
        for (text, shown) in [
            ("stor = \"redis://:pw@h\"\n", "stor = \"redis://:**@h\"\n"),
            (
                "store = [\"redis://u:pw@h/1\"]",
                "store = [\"redis://u:**@h/1\"]",
            ),
            (
                "a\nb = 'redis://:p@w/#@h\r\nc",
                "a\nb = 'redis://:*****@h\r\nc",
            ),
            ("b = \":pw@h:6379\"", "b = \":**@h:6379\""),
            ("b = redis://:pä•@h", "b = redis://:*·•@h"),
            (
                "b = \"redis+unix:///s?user=u&pass=pw&db=1\"",
                "b = \"redis+unix:///s?user=u&pass=**&db=1\"",
            ),
            (
                "b = \"redis+sentinel://u:pw@h,i/m?sentinel_pass=pw\"",
                "b = \"redis+sentinel://u:**@h,i/m?sentinel_pass=**\"",
            ),
            ("b = \"redis://h?pass=pw", "b = \"redis://h?pass=**"),
        ] {
            assert_eq!(mask_secrets(text), shown);
            assert_eq!(mask_secrets(text).len(), text.len());
        }
    }

    #[test]
    fn nothing_else_is_touched() {
        for text in [
            "",
            "# ask web@example.com\nflags = \"flags\"\n",
            "store = \"redis://user@h:6379/1\"\r\n",
            "store = \"redis://localhost:6379\"",
            "store = \"sqlite:.hoist/flags.db\"",
        ] {
            assert_eq!(mask_secrets(text), text);
        }
    }
}
