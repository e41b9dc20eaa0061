//! Whether users were split as they should have been: Pearson's chi-squared test.

/// What a sample-ratio test found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    pub chi_squared: f64,
    pub degrees_of_freedom: u32,
    /// How often chance alone gives a split at least as uneven: 0 to 1.
    pub p: f64,
}

/// With fewer users to be expected somewhere, the test says nothing about that way by itself.
const FEWEST: f64 = 5.0;

/// Below this a split counts as wrong: an alarm that chance raises once in a thousand times.
pub const SUSPICIOUS: f64 = 0.001;

/// How many users went some way, and how many were to.
#[derive(Clone, Copy, Default)]
struct Way {
    found: f64,
    expected: f64,
}

impl Way {
    fn add(&mut self, other: Self) {
        self.found += other.found;
        self.expected += other.expected;
    }

    fn distance(&self) -> f64 {
        (self.found - self.expected).powi(2) / self.expected
    }
}

impl Ratio {
    /// Compares counts of users with `weights`, which need not add up to anything in particular. Ways that
    /// few are to go count as one, together with the rarest of the others where that is not enough.
    /// `None` where there is nothing to compare: too few were counted, or there is but one way to go.
    #[must_use]
    pub fn test(counts: &[u64], weights: &[f64]) -> Option<Self> {
        let users: u64 = counts.iter().sum();
        let weight: f64 = weights.iter().sum();
        let mut ways: Vec<Way> = Vec::new();
        let mut rest = Way::default();
        let mut never = false;
        for (found, share) in counts.iter().zip(weights) {
            let way = Way {
                found: *found as f64,
                expected: users as f64 * share / weight,
            };
            if way.expected >= FEWEST {
                ways.push(way);
            } else if way.expected > 0.0 {
                rest.add(way);
            } else {
                // Nobody was to go there.
                never |= *found > 0;
            }
        }
        // So many more than were to go there is no chance, however few those were.
        if rest.expected >= FEWEST || (rest.expected > 0.0 && rest.found > 4.0 * FEWEST) {
            ways.push(rest);
        } else {
            let rarest = ways.iter_mut();
            rarest
                .min_by(|one, other| one.expected.total_cmp(&other.expected))?
                .add(rest);
        }
        let degrees = u32::try_from(ways.len()).ok()?.checked_sub(1);
        let degrees_of_freedom = degrees.filter(|degrees| *degrees > 0)?;
        let chi_squared = match never {
            true => f64::INFINITY,
            false => ways.iter().map(Way::distance).sum(),
        };
        Some(Self {
            chi_squared,
            degrees_of_freedom,
            p: upper_gamma(f64::from(degrees_of_freedom) / 2.0, chi_squared / 2.0),
        })
    }

    #[must_use]
    pub fn is_suspicious(self) -> bool {
        self.p < SUSPICIOUS
    }
}

/// The regularised upper incomplete gamma function Q(a, x) for `a` a multiple of one half, by
/// Q(a + 1, x) = Q(a, x) + xᵃ e⁻ˣ / Γ(a + 1), from Q(1, x) = e⁻ˣ or Q(½, x) = erfc(√x).
/// Abramowitz and Stegun, Handbook of Mathematical Functions, 6.5.
fn upper_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if x.is_infinite() {
        return 0.0;
    }
    let whole = a.fract() == 0.0;
    let (mut at, mut sum) = if whole {
        (1.0, (-x).exp())
    } else {
        (0.5, erfc(x.sqrt()))
    };
    // The logarithm of x^at e^-x / Γ(at + 1), so that many degrees of freedom overflow nothing.
    let mut term = if whole {
        x.ln() - x
    } else {
        // Γ(3/2) = √π / 2.
        0.5 * x.ln() - x - (std::f64::consts::PI.sqrt() / 2.0).ln()
    };
    while at < a {
        sum += term.exp();
        at += 1.0;
        term += x.ln() - at.ln();
    }
    sum.min(1.0)
}

/// The complementary error function for `x` > 0: by its series where it is large, and by its
/// continued fraction, from the inside out, where it is small. The same source, 7.1.5 and 7.1.14.
fn erfc(x: f64) -> f64 {
    let half_pi_root = std::f64::consts::PI.sqrt() / 2.0;
    if x < 2.0 {
        let mut power = x;
        let mut sum = x;
        for n in 1..64 {
            let n = f64::from(n);
            power *= -x * x / n;
            sum += power / (2.0 * n + 1.0);
        }
        return 1.0 - sum / half_pi_root;
    }
    let fraction = (1..=60)
        .rev()
        .fold(x, |below, n| x + f64::from(n) / 2.0 / below);
    (-x * x).exp() / fraction / (2.0 * half_pi_root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_quantiles_are_hit() {
        // Degrees of freedom, quantile, probability of more: tables of the distribution.
        let table = [
            (1, 3.841_458_820_694_124, 0.05),
            (1, 6.634_896_601_021_213, 0.01),
            (1, 0.015_790_774_093_431_218, 0.9),
            (2, 5.991_464_547_107_979, 0.05),
            (3, 7.814_727_903_251_178, 0.05),
            (4, 13.276_704_135_987_622, 0.01),
            (5, 1.610_307_986_962_323, 0.9),
            (9, 27.877_164_871_256_568, 0.001),
            (10, 18.307_038_053_275_146, 0.05),
            (99, 123.225_221_453_361_71, 0.05),
            (100, 149.449_252_779_038_86, 0.001),
        ];
        for (degrees, quantile, expected) in table {
            let p = upper_gamma(f64::from(degrees) / 2.0, quantile / 2.0);
            assert!(
                (p / expected - 1.0).abs() < 1e-9,
                "{degrees} {quantile}: {p}"
            );
        }
    }

    #[test]
    fn counts_are_compared_with_weights() {
        let even = Ratio::test(&[500, 500], &[50.0, 50.0]).unwrap();
        assert_eq!((even.chi_squared, even.p), (0.0, 1.0));
        let off = Ratio::test(&[520, 480], &[1.0, 1.0]).unwrap();
        assert!((off.chi_squared - 1.6).abs() < 1e-12 && !off.is_suspicious());
        assert!((off.p - 0.205_903_210_732_067_6).abs() < 1e-12);
        let wrong = Ratio::test(&[600, 400], &[1.0, 1.0]).unwrap();
        assert!(wrong.is_suspicious() && wrong.degrees_of_freedom == 1);
        let never = Ratio::test(&[10, 10, 1], &[50.0, 50.0, 0.0]).unwrap();
        assert_eq!((never.p, never.degrees_of_freedom), (0.0, 1));
        assert_eq!(Ratio::test(&[10, 0], &[100.0, 0.0]), None);
        assert_eq!(Ratio::test(&[0, 0], &[50.0, 50.0]), None);
        assert_eq!(Ratio::test(&[996, 4], &[99.6, 0.4]), None);
        let pooled = Ratio::test(&[500, 499, 1], &[50.0, 49.9, 0.1]).unwrap();
        assert_eq!((pooled.degrees_of_freedom, pooled.chi_squared), (1, 0.0));
        let rare = Ratio::test(&[500, 200, 300], &[50.0, 49.9, 0.1]).unwrap();
        assert!(rare.is_suspicious());
        let pool = Ratio::test(&[988, 6, 6], &[98.8, 0.3, 0.3]).unwrap();
        assert_eq!(pool.degrees_of_freedom, 1);
    }
}
