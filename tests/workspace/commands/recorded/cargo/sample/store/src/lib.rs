/// Counts.
///
/// ```
/// assert_eq!(book_store::count(), 3);
/// ```
///
/// ```compile_fail
/// book_store::gone();
/// ```
pub fn count() -> i32 {
    calc::add(1, 2)
}
