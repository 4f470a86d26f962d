//! Adds.

/// Adds two numbers.
///
/// ```
/// assert_eq!(calc::add(1, 2), 3);
/// ```
///
/// ```
/// assert_eq!(calc::add(1, 2), 4);
/// ```
///
/// ```no_run
/// loop {}
/// ```
///
/// ```ignore
/// nothing
/// ```
///
/// ```compile_fail
/// let x: u32 = "text";
/// ```
///
/// ```should_panic
/// panic!();
/// ```
pub fn add(a: i32, b: i32) -> i32 {
    a + b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds() {
        assert_eq!(add(1, 2), 3);
    }

    #[test]
    fn adds_more() {
        println!("printed by the test");
        println!("test tests::nobody ... ok");
        assert_eq!(add(1, 2), 4, "1 + 2 is not 4");
    }

    #[test]
    #[ignore = "not today"]
    fn later() {}

    #[test]
    #[ignore]
    fn much_later() {}

    #[test]
    #[should_panic(expected = "overflow")]
    fn panics() {
        panic!("overflow");
    }

    #[test]
    #[should_panic]
    fn does_not_panic() {}

    #[test]
    fn grüße() {}

    #[test]
    fn returns_an_error() -> Result<(), String> {
        Err("no good".into())
    }

    #[test]
    fn writes_past_the_harness() {
        use std::io::Write;
        writeln!(std::io::stderr(), "straight to stderr").unwrap();
        write!(std::io::stdout(), "straight to stdout").unwrap();
    }
}
