//! Keys and tokens that can be told by how they begin.

/// What a token goes on with behind its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Letters and digits.
    Alnum,
    /// Capitals and digits.
    Upper,
    /// Small hexadecimal digits.
    Hex,
    /// Letters, digits, `_` and `-`.
    Url,
    /// The same and `.`, `+`, `/`, `=`.
    Dotted,
}

impl Body {
    pub(super) const fn holds(self, byte: u8) -> bool {
        match self {
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Dotted => Self::Url.holds(byte) || matches!(byte, b'.' | b'+' | b'/' | b'='),
        }
    }
}

/// A token whose issuer says how it begins.
pub(super) struct Shape {
    pub kind: &'static str,
    pub prefix: &'static str,
    pub body: Body,
    /// Shortest body, in bytes.
    pub least: usize,
    /// Longest body; the one length that there is where it equals `least`.
    pub most: usize,
}

const fn shape(
    kind: &'static str,
    prefix: &'static str,
    body: Body,
    least: usize,
    most: usize,
) -> Shape {
    Shape {
        kind,
        prefix,
        body,
        least,
        most,
    }
}

/// Longer than any token.
const ANY: usize = 1024;

/// From what the issuers publish about the form of their tokens.
pub(super) static SHAPES: &[Shape] = &[
    shape("an AWS access key", "AKIA", Body::Upper, 16, 16),
    shape("an AWS access key", "ASIA", Body::Upper, 16, 16),
    shape("a GitHub token", "ghp_", Body::Alnum, 36, ANY),
    shape("a GitHub token", "gho_", Body::Alnum, 36, ANY),
    shape("a GitHub token", "ghu_", Body::Alnum, 36, ANY),
    shape("a GitHub token", "ghs_", Body::Alnum, 36, ANY),
    shape("a GitHub token", "ghr_", Body::Alnum, 36, ANY),
    shape("a GitHub token", "github_pat_", Body::Url, 50, ANY),
    shape("a GitLab token", "glpat-", Body::Dotted, 20, ANY),
    shape("a GitLab token", "gldt-", Body::Dotted, 20, ANY),
    shape("a GitLab token", "glptt-", Body::Dotted, 20, ANY),
    shape("a Slack token", "xoxb-", Body::Url, 20, ANY),
    shape("a Slack token", "xoxp-", Body::Url, 20, ANY),
    shape("a Slack token", "xoxa-", Body::Url, 20, ANY),
    shape("a Slack token", "xoxr-", Body::Url, 20, ANY),
    shape("a Slack token", "xoxs-", Body::Url, 20, ANY),
    shape("a Slack token", "xoxe-", Body::Url, 20, ANY),
    shape("a Slack token", "xapp-", Body::Url, 20, ANY),
    shape("a Stripe key", "sk_live_", Body::Alnum, 16, ANY),
    shape("a Stripe key", "sk_test_", Body::Alnum, 16, ANY),
    shape("a Stripe key", "rk_live_", Body::Alnum, 16, ANY),
    shape("a Stripe key", "rk_test_", Body::Alnum, 16, ANY),
    shape("a webhook's secret", "whsec_", Body::Dotted, 24, ANY),
    shape("a Google API key", "AIza", Body::Url, 35, 35),
    shape("a Google client secret", "GOCSPX-", Body::Url, 28, 28),
    shape("an npm token", "npm_", Body::Alnum, 36, 36),
    shape("a PyPI token", "pypi-", Body::Url, 80, ANY),
    shape("an Anthropic key", "sk-ant-", Body::Url, 40, ANY),
    shape("an OpenAI key", "sk-proj-", Body::Url, 40, ANY),
    shape("an OpenAI key", "sk-", Body::Alnum, 40, ANY),
    shape("a Hugging Face token", "hf_", Body::Alnum, 34, 34),
    shape("a Twilio key", "SK", Body::Hex, 32, 32),
    shape("a DigitalOcean token", "dop_v1_", Body::Hex, 64, 64),
    shape("a DigitalOcean token", "doo_v1_", Body::Hex, 64, 64),
    shape("a Shopify token", "shpat_", Body::Hex, 32, 32),
    shape("a Shopify token", "shpca_", Body::Hex, 32, 32),
    shape("a Shopify token", "shppa_", Body::Hex, 32, 32),
    shape("a Shopify token", "shpss_", Body::Hex, 32, 32),
    shape("a Docker token", "dckr_pat_", Body::Url, 27, 27),
    shape("a Databricks token", "dapi", Body::Hex, 32, 32),
    shape("a Mailgun key", "key-", Body::Hex, 32, 32),
    shape("a Linear key", "lin_api_", Body::Alnum, 40, 40),
    shape("a Grafana token", "glsa_", Body::Url, 32, ANY),
    shape("a New Relic key", "NRAK-", Body::Upper, 27, 27),
    shape("a Supabase token", "sbp_", Body::Hex, 40, 40),
    shape("an age key", "AGE-SECRET-KEY-1", Body::Upper, 58, 58),
];

/// Tokens with a dot in their prefix, found where what precedes the dot is a word of its own.
pub(super) static DOTTED: &[Shape] = &[
    shape("a SendGrid key", "SG.", Body::Dotted, 60, ANY),
    shape("a Google token", "ya29.", Body::Url, 30, ANY),
    shape("a Vault token", "hvs.", Body::Url, 24, ANY),
    shape("a Vault token", "hvb.", Body::Url, 24, ANY),
];

/// What addresses of webhooks have in front of the part that only who may use them knows.
pub(super) static WEBHOOKS: &[&str] = &[
    "://hooks.slack.com/services/",
    "://hooks.slack.com/workflows/",
    "://discord.com/api/webhooks/",
    "://discordapp.com/api/webhooks/",
];

/// Where a name ends in one of these, without case and separators, what it is set to is secret.
pub(super) static NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "accountkey",
    "encryptionkey",
    "masterkey",
    "sharedkey",
    "signingkey",
    "authkey",
    "pwd",
    "credential",
    "credentials",
];
