use super::*;
use proptest::prelude::*;

/// What is found in a text: kind, and what is hidden.
fn found(text: &str) -> Vec<(&'static str, &str)> {
    let secrets = find(text);
    secrets
        .into_iter()
        .map(|secret| (secret.kind, &text[secret.hidden]))
        .collect()
}

/// A body that no issuer ever gave out: letters and digits in turns.
fn body(length: usize) -> String {
    "a1B2c3D4e5F6g7H8".chars().cycle().take(length).collect()
}

#[test]
fn tokens_are_told_by_their_form() {
    let hex: String = "0a1b2c3d4e5f6789".chars().cycle().take(64).collect();
    let cases: &[(&str, String, &str)] = &[
        ("AKIA", "IOSFODNN7EXAMPLE".into(), "an AWS access key"),
        ("ghp_", body(36), "a GitHub token"),
        ("github_pat_", body(22) + "_" + &body(40), "a GitHub token"),
        ("glpat-", body(20), "a GitLab token"),
        (
            "xoxb-",
            format!("123456789012-{}", body(24)),
            "a Slack token",
        ),
        ("sk_live_", body(24), "a Stripe key"),
        ("AIza", body(35), "a Google API key"),
        ("npm_", body(36), "an npm token"),
        (
            "SG.",
            format!("{}.{}", body(22), body(43)),
            "a SendGrid key",
        ),
        ("hvs.", body(30), "a Vault token"),
        ("sk-ant-", format!("api03-{}", body(80)), "an Anthropic key"),
        ("dop_v1_", hex.clone(), "a DigitalOcean token"),
        (
            "eyJ",
            format!("hbGciOiJIUzI1NiJ9.eyJ{}.{}", body(20), body(20)),
            "a JSON web token",
        ),
    ];
    for (prefix, body, kind) in cases {
        for around in [
            "@",
            "\"@\"",
            "see @ there",
            "- @\n",
            "token=@&a",
            "(@)",
            "# @",
        ] {
            let text = around.replace('@', &format!("{prefix}{body}"));
            assert_eq!(found(&text), [(*kind, body.as_str())], "{text}");
        }
    }
}

#[test]
fn passwords_and_keys_are_told_by_what_is_around_them() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\n  bG9uZw==\n";
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("redis://:pw@h:1/", &[("a password in a URL", "pw")]),
        (
            "see https://ana:p@ss@h/x, b",
            &[("a password in a URL", "p@ss")],
        ),
        (
            "api_key: \"a1b2c3d4e5f6a7b8\"",
            &[("a secret by its name", "a1b2c3d4e5f6a7b8")],
        ),
        (
            "password=a1b2c3d4e5f6",
            &[("a secret by its name", "a1b2c3d4e5f6")],
        ),
        (
            "signing-key: 0a1b2c3d4e5f67890a1b2c3d4e5f6789",
            &[("a secret by its name", "0a1b2c3d4e5f67890a1b2c3d4e5f6789")],
        ),
        (
            "url: https://hooks.slack.com/services/T01ABCDEF/B02GHIJKL/a1B2c3D4e5F6g7H8a1B2c3D4, x",
            &[("a webhook", "T01ABCDEF/B02GHIJKL/a1B2c3D4e5F6g7H8a1B2c3D4")],
        ),
        (
            "token: \"a1b2c3d4e5\\\r\n    f6a7b8c9d0\" # \\",
            &[("a secret by its name", "a1b2c3d4e5\\\r\n    f6a7b8c9d0")],
        ),
        (
            "{ clientSecret: a1b2c3d4e5f6a7b8 }",
            &[("a secret by its name", "a1b2c3d4e5f6a7b8")],
        ),
        (
            "github_access_token=Zm9vYmFyMTIzNDU2Nzg5MA==",
            &[("a secret by its name", "Zm9vYmFyMTIzNDU2Nzg5MA==")],
        ),
        (
            "wJ4lrXUtn5EMI/K7MDENG/bPx8fiCY3X2mPLqK6Y1",
            &[("a key", "wJ4lrXUtn5EMI/K7MDENG/bPx8fiCY3X2mPLqK6Y1")],
        ),
        (
            key,
            &[("a private key", "\nMIIEpAIBAAKCAQEA7\n  bG9uZw==\n")],
        ),
        (
            "-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----",
            &[("a private key", "\\nMIIE\\n")],
        ),
        (
            "-----BEGIN PRIVATE KEY-----\n# a comment of words\n",
            &[("a private key", "\n")],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(found(text), *expected, "{text}");
    }
}

#[test]
fn what_people_write_is_no_secret() {
    for text in [
        "enable_new_checkout_flow_for_returning_customers_v2: true",
        "EnableNewCheckoutFlowForReturningCustomersInEuropeV2",
        "sk_live_migration_of_the_old_checkout",
        "sk-something-with-a-long-kebab-name-2026-and-more-of-it",
        "0b6f3b0c8f5e4c1fa1d3f0d4c2b7a695 5f972de6c2f1b0a99f3cbf4b1d7f0d6d9b1c2e3f",
        "123e4567-e89b-12d3-a456-426614174000",
        "auth0|5f7c8ec7c33c6c004bbafe82 user_2NNEqL2nrIRdJ194ndJqAHwEfxC",
        "https://docs.google.com/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
        "integrity: sha512-9Z8Y7X6W5V4U3T2S1R0Q9P8O7N6M5L4K3J2I1H0G9F8E7D6C5B4A3z2y1x0w==",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        "token: checkout-v2-2026-11-rollout-of-spring",
        "password: ${DATABASE_PASSWORD_OF_STAGING}",
        "redis://:${PASSWORD}@host redis://user@host https://example.com/@ana https://a:***@h",
        "-----BEGIN CERTIFICATE-----",
        "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "https://hooks.slack.com/services/ is where they go",
        "hash: 0a1b2c3d4e5f67890a1b2c3d4e5f6789",
        "password: hunter-hunter token: group_2026",
        "of two lines \\\n  which are no string",
        "-----BEGIN of a long list of things-----",
        "----------------------------------------",
        "AKIAISNOTLONG ghp_short npm_package_name_that_is_quite_long_indeed_x",
        "eyJust.a.word.of.many",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn what_is_masked_cannot_be_read_and_keeps_its_place() {
    let token = format!("ghp_{}", body(36));
    let text = format!("a: {token} # ä redis://u:pä@h\n");
    let masked = mask(&text);
    assert_eq!(
        masked,
        format!("a: ghp_{} # ä redis://u:*·@h\n", "*".repeat(36))
    );
    assert_eq!(masked.len(), text.len());
    assert!(matches!(mask("nothing of the kind"), Cow::Borrowed(_)));
}

#[test]
fn hostile_texts_take_linear_time() {
    for part in [
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "glpat-aaaaaaaaaaaaaaaaaaaaaa+",
        "eyJaaaaaaaaaaaaaaaaaaa.",
        "aaaaaaaaaaaaaaaaaaaaaa/",
        "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1,",
        "token:                                   ",
        "x://@",
        "://a:b@",
        "://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "@",
    ] {
        let text = part.repeat((1 << 20) / part.len());
        assert_eq!(mask(&text).len(), text.len());
    }
}

proptest! {
    #[test]
    fn any_text_can_be_masked(
        text in "(ghp_|AKIA|eyJ|://|@|:|-----BEGIN PRIVATE KEY-----|token|=|[a-zA-Z0-9]{14,40}|[ä\u{1f600}\n .'\"]){0,12}"
    ) {
        let masked = mask(&text);
        prop_assert_eq!(masked.len(), text.len());
        prop_assert_eq!(masked.matches('\n').count(), text.matches('\n').count());
        prop_assert_eq!(masked.chars().count(), text.chars().count());
        for secret in find(&text) {
            prop_assert!(text.get(secret.place.clone()).is_some() && text.get(secret.hidden).is_some());
            prop_assert!(!secret.place.is_empty());
        }
    }
}
