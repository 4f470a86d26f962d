#[test]
fn adds() {
    assert_eq!(book_store::count(), 3);
}
